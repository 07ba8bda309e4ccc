"""Rules: stdlib, numpy for sets of millions, and the kernel."""
