"""From all of it to one page."""
