"""What every verb of dictctl shares: tables, JSON, exit codes, the next command."""
