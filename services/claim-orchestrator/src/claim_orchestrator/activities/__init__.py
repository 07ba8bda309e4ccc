"""One method a use case; adds the Temporal name and error translation, nothing else."""
