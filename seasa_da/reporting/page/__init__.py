"""One self-contained HTML page on a run or a comparison: what it shows, and how that is set."""
