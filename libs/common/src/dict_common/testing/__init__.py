"""Fakes that ship, and the conformance suites that they and the real adapters pass."""
