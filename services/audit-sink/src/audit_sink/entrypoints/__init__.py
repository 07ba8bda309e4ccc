"""The sink, and the verbs that dictctl loads."""
