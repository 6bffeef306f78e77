"""The four ways to round, on numbers that are already scaled so that the grid is the integers."""

from typing import Literal, TypeAlias

from keras import ops

from source.config import nearest as names
from source.config.errors import ConfigError
from source.numeric import _bits, _counter
from source.numeric._bits import Tensor

Rounding: TypeAlias = Literal["nearest", "stochastic", "up", "down"]

LETTERS: dict[str, Rounding] = {"N": "nearest", "S": "stochastic", "U": "up", "D": "down"}
_LETTER_OF = {rounding: letter for letter, rounding in LETTERS.items()}
_SMALL = 2.0**-100


def letter(rounding: Rounding) -> str:
    """Returns the letter that stands for a way to round in names of formats."""
    return _LETTER_OF[rounding]


def suffix(rounding: Rounding) -> str:
    """Returns what stands behind names that round to nearest unless they say otherwise: `(S)`, or nothing."""
    return "" if rounding == "nearest" else f"({letter(rounding)})"


def check_rounding(rounding: str) -> None:
    """Refuses what is no way to round.

    Raises:
        ConfigError: for another word than the four.
    """
    if rounding not in _LETTER_OF:
        hint = names.did_you_mean(rounding, _LETTER_OF)
        raise ConfigError(f"`rounding` must be a way to round. Received: rounding={rounding!r}. {hint}")


def check_seed(rounding: Rounding, seed: int | Tensor | None) -> None:
    """Refuses stochastic rounding without a seed, and a seed where nothing is drawn.

    Raises:
        ConfigError: for either.
    """
    if rounding == "stochastic" and seed is None:
        raise ConfigError("Stochastic rounding needs `seed`, such as the step. Received: seed=None.")
    if rounding != "stochastic" and seed is not None:
        raise ConfigError(f"`seed` has no effect when rounding={rounding!r}; leave it out. Received: seed={seed}.")


def scale(x: Tensor, factor: Tensor | float, rounding: Rounding) -> Tensor:
    """Returns `x * factor` for a positive factor, fit to be rounded: see `keep_sign`."""
    return keep_sign(x * factor, x, rounding)


def keep_sign(scaled: Tensor, x: Tensor, rounding: Rounding) -> Tensor:
    """Returns numbers that x was scaled to, with those that underflowed given back their sign.

    To nearest, a number that underflows rounds to zero like the true one. Other ways to round look at the sign of
    however small a number, so there magnitudes stay above 2^-100, and only subnormal x become zero.

    Args:
        scaled: x times something positive.
        x: float32 numbers.
        rounding: how the result is going to be rounded.
    """
    if rounding == "nearest":
        return scaled
    rest = ops.where(ops.isnan(x), x, 0.0)
    kept = ops.where(x <= -_bits.SMALLEST_NORMAL, ops.minimum(scaled, -_SMALL), rest)
    return ops.where(x >= _bits.SMALLEST_NORMAL, ops.maximum(scaled, _SMALL), kept)


def to_integers(x: Tensor, rounding: Rounding, seed: int | Tensor | None = None) -> Tensor:
    """Returns the integers that x rounds to, as float32.

    Args:
        x: float32 numbers; NaN and infinity stay.
        rounding: "nearest" with ties to even, "up" and "down" toward +infinity and -infinity, or "stochastic": up
            with the probability x - floor(x), exact to 24 bits.
        seed: of stochastic rounding.
    """
    if rounding == "nearest":
        return ops.round(x)
    if rounding == "up":
        return ops.ceil(x)
    if rounding == "down":
        return ops.floor(x)
    below = ops.floor(x)
    return below + ops.cast(_counter.uniform(x, seed) < x - below, "float32")
