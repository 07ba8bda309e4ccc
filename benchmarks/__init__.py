"""Figures of speed and size: ratios in one run, or stated limits; never timed tests."""
