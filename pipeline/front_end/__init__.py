"""The front end of a device in integers: from a converter's samples to spikes."""
