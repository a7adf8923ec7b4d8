"""What the benchmark shows of its results: a page for browsers, one in Markdown, tables and pictures."""
