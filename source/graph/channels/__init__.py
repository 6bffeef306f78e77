"""Which channels the tensors of a model carry, and which of them can only go together."""
