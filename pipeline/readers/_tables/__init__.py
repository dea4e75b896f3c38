"""What the reader `table` is made of."""
