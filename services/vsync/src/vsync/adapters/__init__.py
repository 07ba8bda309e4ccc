"""PostgreSQL, and the Bridge."""
