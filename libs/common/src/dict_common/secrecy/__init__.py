"""Personal data is clear only in a process's memory."""
