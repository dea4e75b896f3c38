"""What the reader `wfdb` is made of."""
