"""What the reader `mne` is made of."""
