"""A built model, looked at: which layer feeds which."""
