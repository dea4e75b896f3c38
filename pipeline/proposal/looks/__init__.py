"""Looks at files that need more than reading: a module for a reader, of its name.

A reader without one is looked at by `plain.look`, which reads recordings.
"""
