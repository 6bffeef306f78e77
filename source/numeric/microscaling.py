"""Microscaling formats of OCP: MXFP8, MXFP6, MXFP4 and MXINT8, blocks with a power of two as their scale.

OCP Microscaling Formats (MX) Specification 1.0,
https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf
"""

import dataclasses
from typing import Literal, TypeAlias

from keras import ops

from source.config import nearest
from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import MANTISSA_BITS, Tensor
from source.numeric._groups import check_group
from source.numeric.fixed_point import FixedPoint
from source.numeric.minifloat import Minifloat, Specials
from source.numeric.rounding import Rounding, letter
from source.numeric.scaled import PowerOfTwoScales

ScaleRule: TypeAlias = Literal["floor", "ceil", "even", "fit"]

_SPECIALS: dict[tuple[int, int], Specials] = {
    (4, 3): "nan",
    (5, 2): "inf",
    (3, 2): "none",
    (2, 3): "none",
    (2, 1): "none",
}
RULES: tuple[ScaleRule, ...] = ("floor", "ceil", "even", "fit")


@dataclasses.dataclass(frozen=True)
class Microscaling(PowerOfTwoScales):
    """Numbers of 4, 6 or 8 bits times 2^(e - highest exponent of the element), with e from the block's max |x|.

    Attributes:
        exponent: bits of the element's exponent; 0 for integers (MXINT).
        mantissa: bits of the element's mantissa; for integers those behind the point, 6 in MXINT8.
        size: numbers in a block; OCP has 32.
        scale_rule: how e comes from m = max |x|: "floor" is floor(log2 m), OCP's; "ceil" is ceil(log2 m); "even" is
            floor(log2 m) of m rounded to the element's mantissa; "fit" is the least that keeps m within the range.
        rounding: how to round.
    """

    exponent: int
    mantissa: int
    size: int = 32
    scale_rule: ScaleRule = "floor"
    rounding: Rounding = "nearest"

    @property
    def element(self) -> Minifloat | FixedPoint:
        """The OCP format of the elements; it saturates."""
        if self.exponent == 0:
            return FixedPoint(self.mantissa + 2, self.mantissa, rounding=self.rounding)
        specials = _SPECIALS[self.exponent, self.mantissa]
        return Minifloat(self.exponent, self.mantissa, specials=specials, rounding=self.rounding)

    @property
    def sharing(self) -> int:
        """The size of a block."""
        return self.size

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        largest = _bits.largest_magnitude(blocks, axes)
        bits = ops.minimum(largest, _bits.LARGEST)
        bits = ops.bitwise_and(bits + self._carry if self._carry else bits, _bits.EXPONENT)
        shift = -self.element.highest if isinstance(self.element, Minifloat) else 0
        return _bits.power_of_two(bits, shift, largest, self._lowest_scale)

    @property
    def _carry(self) -> int:
        """What is added to the bits of max |x| so that the carry into the exponent is the rule's."""
        element = self.element
        if self.scale_rule == "floor":
            return 0
        if self.scale_rule == "ceil":
            return (1 << MANTISSA_BITS) - 1
        if self.scale_rule == "even":
            return 1 << (MANTISSA_BITS - 1 - self.mantissa)
        largest = element.largest / 2.0**element.highest if isinstance(element, Minifloat) else 2 - 2.0**-self.mantissa
        return (1 << MANTISSA_BITS) - 1 - round((largest - 1) * (1 << MANTISSA_BITS))

    @property
    def _lowest_scale(self) -> int:
        element = self.element
        finest = element.lowest - element.mantissa if isinstance(element, Minifloat) else -element.fraction
        return _bits.LOWEST_STEP - finest

    def _check(self) -> None:
        check_group(self.size)
        if self.scale_rule not in RULES:
            hint = nearest.did_you_mean(self.scale_rule, RULES)
            raise ConfigError(f"`scale_rule` is unknown. Received: scale_rule={self.scale_rule!r}. {hint}")
        integer = self.exponent == 0 and 0 <= self.mantissa <= 14
        if not integer and (self.exponent, self.mantissa) not in _SPECIALS:
            known = ", ".join(f"E{e}M{m}" for e, m in _SPECIALS)
            raise ConfigError(
                f"Elements of MXFP are {known}. Received: E{self.exponent}M{self.mantissa}."
                if self.exponent
                else f"`mantissa` of MXINT must be in [0, 14]. Received: mantissa={self.mantissa}."
            )

    def __str__(self) -> str:
        options: list[str] = [self.scale_rule] if self.scale_rule != "floor" else []
        options += [letter(self.rounding)] if self.rounding != "nearest" else []
        element = f"FP{self.bits}[E{self.exponent}M{self.mantissa}]" if self.exponent else f"INT{self.bits}"
        return f"MX{element}{{{self.size}}}" + (f"({','.join(options)})" if options else "")
