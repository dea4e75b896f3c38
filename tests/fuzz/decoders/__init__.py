"""Decoders written apart from the readers: plain struct, numpy, csv, scipy and h5py.

Each module has `decode(files, main, item) -> Reading` and raises `FileError`.
"""
