"""File formats: every reader turns a data set's raw files into MNE `Raw` objects."""
