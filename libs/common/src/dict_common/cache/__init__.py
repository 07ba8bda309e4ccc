"""Redis: speed that may be lost."""
