"""Forward pass, loss, gradients and metrics of one task, on one device or on many."""
