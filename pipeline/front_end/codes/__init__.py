"""Encoders' integer forms: a module and a file of C for each, by the encoder's name.

A module has `integers(encoder, given)`, which chooses the constants of its kernel in
`pipeline.kernels.front_end.codes`; its C is `biospike_NAME`.
"""
