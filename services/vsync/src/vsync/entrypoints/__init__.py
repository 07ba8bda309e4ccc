"""Processes and verbs."""
