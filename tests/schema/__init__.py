"""Whether the API does what its schema says."""
