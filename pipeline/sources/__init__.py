"""Sources of raw files: downloads, mirrors and simulators."""
