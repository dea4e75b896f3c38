"""Where a trained cell comes from: raw files, settings, commands, environment.

An origin holds digests and no names of files, for a name may identify a person.
Files are named where they lie: beside the digests of this checkout.
"""
