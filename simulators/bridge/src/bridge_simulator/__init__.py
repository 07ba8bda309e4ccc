"""The Bridge, and behind it a DICT that keeps its state and its rules."""
