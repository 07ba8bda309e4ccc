"""The one door: settings in, adapters out. Each process is built from what it finds here."""
