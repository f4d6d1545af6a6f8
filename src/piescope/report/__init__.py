"""From stored results to tables, figures and one page. Loads no torch."""
