"""Prints a digest of every approximation's bits on hard numbers, on the backend that KERAS_BACKEND names.

KERAS_BACKEND=jax python -m tests.layer.approximation.digests
"""

import hashlib
import json

import numpy as np
from keras import ops

from source.layer.approximation.grammar import approximation
from tests.layer.approximation import half
from tests.layer.approximation.errors import names


def hard_numbers() -> np.ndarray:
    """Returns float32, 16 x 200, with masks, infinities, NaN, large numbers and rows of one number."""
    x = half.logits((16, 200))
    x[1, :5] = [-np.inf, -1e9, 1e9, 40000, 3e38]
    x[2], x[3], x[4, 3], x[5, 7] = -np.inf, -1e9, np.inf, np.nan
    x[6] *= 1000
    return x


def takes(name: str) -> np.ndarray:
    """Returns the hard numbers, none below zero where there is no such root or reciprocal."""
    return np.abs(hard_numbers()) if name.startswith(("rsqrt", "reciprocal")) else hard_numbers()


def digest(name: str) -> str:
    """Returns a digest of the bits, with one NaN and one zero."""
    found = ops.convert_to_numpy(approximation(name).approximate(ops.convert_to_tensor(takes(name))))
    without_nan = np.where(np.isnan(found), np.float32(0.0), found) + np.float32(0.0)
    return hashlib.sha256(without_nan.tobytes() + np.isnan(found).tobytes()).hexdigest()[:16]


def gradient_digests() -> dict[str, list[float]]:
    """Returns the gradients of a sum of every activation, as the backend's own automatic differentiation has them."""
    import keras

    x = half.logits((2, 6), seed=3)
    found = {}
    for name in ("softmax", "gelu", "silu", "sigmoid", "tanh"):
        for label, function in (("approximate", approximation(name)), ("exact", approximation(name).exact)):
            found[f"{name} {label}"] = _gradient(keras.backend.backend(), function, x).ravel().tolist()
    return found


def _gradient(backend: str, function, x: np.ndarray) -> np.ndarray:
    if backend == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda given: (function(given) * x).sum()))(x))
    if backend == "torch":
        import torch

        tensor = torch.tensor(x, requires_grad=True)
        (function(tensor) * tensor.detach()).sum().backward()
        return tensor.grad.numpy()
    import tensorflow as tf

    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = tf.reduce_sum(function(tensor) * tf.stop_gradient(tensor))
    return tape.gradient(value, tensor).numpy()


if __name__ == "__main__":
    print(json.dumps({"bits": {name: digest(name) for name in names()}, "gradients": gradient_digests()}))
