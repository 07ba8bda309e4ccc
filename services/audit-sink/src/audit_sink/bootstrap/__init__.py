"""The one door: settings in, adapters out; one module a process."""
