"""VSYNC: the daily proof that our keys are Bacen's, and which are not."""
