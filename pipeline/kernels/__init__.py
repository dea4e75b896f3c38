"""Compiled inner loops, each with a plain twin that is its oracle."""
