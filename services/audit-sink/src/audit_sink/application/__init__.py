"""Writing batches, and the ports it needs."""
