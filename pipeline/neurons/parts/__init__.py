"""What neurons are made of: their settings and their layer."""
