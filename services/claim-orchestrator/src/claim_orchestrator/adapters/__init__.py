"""PostgreSQL, Temporal client and codecs behind the ports."""
