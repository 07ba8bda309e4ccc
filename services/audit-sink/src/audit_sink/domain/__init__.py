"""What a row is, what proves it, and what is no row."""
