"""Parts of the reader `wfdb`."""
