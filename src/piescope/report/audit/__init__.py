"""What is said and shown of an audit: sentences first, then the page, Markdown and what both are made of."""
