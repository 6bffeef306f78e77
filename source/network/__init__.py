"""Architectures: plugins whose `build(config, inputs)` returns a `keras.Model` with float32 logits."""
