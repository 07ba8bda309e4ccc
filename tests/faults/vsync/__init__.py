"""Seeds about runs of VSYNC: what they repair, and what they leave alone."""
