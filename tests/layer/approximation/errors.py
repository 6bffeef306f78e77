"""Measures the largest errors of all approximated operators and prints them.

python -m tests.layer.approximation.errors
"""

import numpy as np
from keras import ops

from source.layer.approximation.grammar import OPERATORS, approximation

RELATIVE = ("exp", "reciprocal", "rsqrt")


def names() -> list[str]:
    """Returns every operator with every algorithm and kind of numbers."""
    return [
        str(kind(algorithm, numbers))
        for kind in OPERATORS.values()
        for algorithm, every in kind.algorithms.items()
        for numbers in every
    ]


def inputs(operator: str) -> np.ndarray:
    """Returns the numbers that errors are measured on."""
    random = np.random.default_rng(0)
    if operator == "softmax":
        return (random.normal(size=(64, 2048)) * 3).astype(np.float32)
    if operator in ("layernorm", "rmsnorm"):
        return (random.normal(size=(64, 256)) * 3 + 1).astype(np.float32)
    if operator in ("reciprocal", "rsqrt"):
        halves = np.arange(0x0400, 0x7000, dtype=np.uint16).view(np.float16)  # all from 2^-14 to 2^13
        return halves.astype(np.float32)
    low, high = (-10, 2) if operator == "exp" else (-8, 8)
    return np.linspace(low, high, 120001, dtype=np.float32)


def error_range(name: str) -> tuple[float, float]:
    """Returns the lowest and highest error, relative for `RELATIVE` operators."""
    operator = approximation(name)
    x = inputs(operator.operator)
    error = ops.convert_to_numpy(operator.approximation_error(x)).astype(np.float64)
    if operator.operator in RELATIVE:
        error = error / ops.convert_to_numpy(operator.exact(ops.convert_to_tensor(x)))
    return float(error.min()), float(error.max())


if __name__ == "__main__":
    for each in names():
        low, high = error_range(each)
        print(f"{each:28} [{low:+.2e}, {high:+.2e}]")
