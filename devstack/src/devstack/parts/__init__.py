"""One module for each server of the infrastructure: configuration, command, probe."""
