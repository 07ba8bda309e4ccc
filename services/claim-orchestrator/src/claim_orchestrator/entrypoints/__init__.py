"""One process each, and the verbs that dictctl loads."""
