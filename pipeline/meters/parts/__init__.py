"""What meters share."""
