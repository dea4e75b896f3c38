"""A first entry of `params.yaml`, proposed from a folder of recordings."""
