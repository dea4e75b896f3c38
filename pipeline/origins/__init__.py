"""Where a trained cell comes from: raw files, settings, commands, environment.

An origin holds digests and no names of files, for names may tell who was recorded.
Files are named where they lie: beside the digests of this checkout.
"""
