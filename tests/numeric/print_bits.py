"""Prints a digest of what every format makes of hard numbers, on the backend that KERAS_BACKEND names.

KERAS_BACKEND=jax python -m tests.numeric.print_bits
"""

import hashlib
import json

import numpy as np

from source.numeric import number_format
from tests.numeric.formats import NAMES, hard_numbers, normal_numbers, takes_ways, with_rounding


def digests() -> dict[str, str]:
    """Returns a digest of the rounded bits for every format, way to round and axis."""
    names = [*NAMES, *(with_rounding(name, way) for name in NAMES if takes_ways(name) for way in "SUD")]
    found = {}
    for name in names:
        numeric = number_format(name)
        seed = 11 if numeric.rounding == "stochastic" else None
        for axis in (-1, 0):
            for label, x in (("hard", hard_numbers()), ("normal", normal_numbers())):
                rounded = numeric.round(x, axis=axis, seed=seed)
                found[f"{name} axis {axis} {label}"] = hashlib.sha256(bits_of(rounded)).hexdigest()[:16]
    return found


def bits_of(numbers: np.ndarray) -> bytes:
    """Returns the bits, with one NaN and one zero."""
    without_nan = np.where(np.isnan(numbers), np.float32(0.0), numbers)
    return (without_nan + np.float32(0.0)).tobytes() + np.isnan(numbers).tobytes()


if __name__ == "__main__":
    print(json.dumps(digests()))
