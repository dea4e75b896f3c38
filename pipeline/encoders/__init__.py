"""Spike codes: one file each."""
