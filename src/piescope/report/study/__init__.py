"""A study's report: numbers first (frames, signal, claims), then tables and figures of them, then the page."""
