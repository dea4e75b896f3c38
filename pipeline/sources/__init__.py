"""Where raw files come from: downloads, mirrors and simulators."""
