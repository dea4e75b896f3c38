"""Parts of the reader `xdf`."""
