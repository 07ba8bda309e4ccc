"""Generated from schemas/proto by `./dev generate`. Do not edit."""
