"""Parts of the reader `mne`."""
