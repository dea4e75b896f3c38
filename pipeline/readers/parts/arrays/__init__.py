"""Parts of the reader `array`."""
