"""Parts of the reader `table`."""
