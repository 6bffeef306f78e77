"""How many of a number of things a density keeps: exact integers, on the host and in a graph."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.numeric._bits import Tensor

_MILLION = 1_000_000
_THOUSAND = 1_000


def share(total: int, density: float | Tensor) -> int | Tensor:
    """Returns round(total * density), halves up.

    A number counts as it is written: 0.35 of 10 is 3.5, so 4, although the nearest binary number is below. A tensor
    counts in millionths, which makes densities of up to six decimals exact in float32 too.

    Args:
        total: fewer than 2^31.
        density: in [0, 1].

    Returns:
        An integer for a number, an int32 scalar for a tensor.

    Raises:
        ConfigError: for a number outside of [0, 1].
    """
    if is_number(density):
        check_share(density)
        return int((total * Decimal(str(density))).to_integral_value(ROUND_HALF_UP))
    return _share_of_tensor(total, density)


def check_share(density: float) -> None:
    """Refuses what is no share.

    Raises:
        ConfigError: outside of [0, 1].
    """
    if not 0.0 <= density <= 1.0:
        raise ConfigError(f"`density` must be in [0, 1]. Received: density={density}.")


def is_number(density: Any) -> bool:
    """Returns whether a density is known on the host: a number of Python or NumPy."""
    return isinstance(density, (int, float, np.number)) or (isinstance(density, np.ndarray) and density.ndim == 0)


def _share_of_tensor(total: int, density: Tensor) -> Tensor:
    """Returns floor((total * millionths + 500000) / 1000000), of which no part leaves the range of int32."""
    bounded = ops.clip(ops.cast(density, "float32"), 0.0, 1.0)
    millionths = ops.cast(ops.round(bounded * float(_MILLION)), "int32")
    whole, rest = divmod(total, _MILLION)
    high = ops.floor_divide(millionths, _THOUSAND)
    low = millionths - high * _THOUSAND
    thousandths = ops.floor_divide(high * rest, _THOUSAND)
    remainder = (high * rest - thousandths * _THOUSAND) * _THOUSAND + low * rest + _MILLION // 2
    return millionths * whole + thousandths + ops.floor_divide(remainder, _MILLION)
