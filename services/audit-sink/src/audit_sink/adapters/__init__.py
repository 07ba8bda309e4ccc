"""Pulsar and PostgreSQL behind the ports."""
