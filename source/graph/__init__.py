"""A built model, looked at: which layer feeds which, and what each costs."""
