"""What sources are made of: lists of files, downloads, simulators."""
