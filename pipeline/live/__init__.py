"""Decisions about a signal while it comes: from a stream, or a recording replayed."""
