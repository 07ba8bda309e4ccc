"""Steps under their Temporal names."""
