"""What the reader `array` is made of."""
