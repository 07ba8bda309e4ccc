"""PostgreSQL: pool, queries, migrations, inbox, outbox, ledger."""
