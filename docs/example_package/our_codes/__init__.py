"""An encoder of our own, kept outside of biospike."""
