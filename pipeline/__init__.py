"""biospike: clinical EMG, EEG and ECG to spiking networks and their energy bill."""

__version__ = "0.1.0"
