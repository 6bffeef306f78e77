"""Noise as a function of a seed and a step: the same bits wherever and however often it is asked for."""

from keras import ops

from source.numeric import _counter
from source.numeric._bits import Tensor

_BITS = 23  # with one more for the half, as many as a float32 significand holds


def logistic(count: int, seed: int, step: int | Tensor) -> Tensor:
    """Returns log(u / (1 - u)) of independent u, uniform on the odd multiples of 2^-24 below 1: (count,), float32.

    That is the logistic distribution of mean 0 and scale 1, cut off at magnitudes of 16.6: P(x > -a) = sigmoid(a).

    Args:
        count: of the numbers, below 2^31.
        seed: any integer.
        step: an integer, or a scalar int32 tensor; every step has numbers of its own.
    """
    key = _counter.hashed(ops.cast(step, "int32"), seed)
    bits = _counter.top_bits(_counter.hashed(ops.arange(count, dtype="int32"), key), _BITS)
    u = (ops.cast(bits, "float32") + 0.5) * 2.0**-_BITS
    return ops.log(u) - ops.log(1.0 - u)
