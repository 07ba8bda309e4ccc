"""The rules of claims: tables and pure functions."""
