"""Gets the programs of the stack into the user's cache."""
