"""What operators type: tables for people, `-o json` for programs, stable exit codes."""
