"""Logs, traces, metrics and probes, each from one vocabulary."""
