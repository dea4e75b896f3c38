"""Compiled inner loops, each with a plain reference implementation."""
