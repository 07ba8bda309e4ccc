"""Orchestration only: order, waiting, and which step comes next."""
