"""The one door: what each process works with."""
