"""Temporal: client, payload codec, worker."""
