"""The Bridge port over gRPC."""
