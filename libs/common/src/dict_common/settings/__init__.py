"""Connections and profile, read once from the environment."""
