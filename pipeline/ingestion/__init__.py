"""From raw files to de-identified recordings."""
