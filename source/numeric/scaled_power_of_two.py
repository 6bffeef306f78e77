"""Powers of two below the one that the largest number rounds to: the numbers of incremental quantization."""

import dataclasses

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _bits
from source.numeric._bits import Tensor
from source.numeric._groups import Group, check_group
from source.numeric.power_of_two import PowerOfTwo
from source.numeric.rounding import Rounding, suffix
from source.numeric.scaled import PowerOfTwoScales

_HALF_MANTISSA = 0x400000


@dataclasses.dataclass(frozen=True)
class ScaledPowerOfTwo(PowerOfTwoScales):
    """Numbers 0 and ±2^e with e from n1 + 1 - 2^(width - 2) to n1 = floor(log2(4 max |x| / 3)).

    2^n1 is what max |x| itself rounds to. Numbers round to the nearest by distance, as in `PowerOfTwo`. Zhou et al.:
    Incremental network quantization, 2017, https://arxiv.org/abs/1702.03044

    Attributes:
        width: bits of a number with its zero, 2 to 8.
        group: what shares n1: "tensor", "channel" (the indices of the axis given to `round`), or the size of blocks
            along that axis.
        rounding: how to round.
    """

    width: int
    group: Group = "tensor"
    rounding: Rounding = "nearest"

    @property
    def element(self) -> PowerOfTwo:
        """0 and the powers up to one."""
        return PowerOfTwo(1 << (self.width - 2), 0, self.rounding)

    @property
    def sharing(self) -> Group:
        """What shares n1."""
        return self.group

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        largest = _bits.largest_magnitude(blocks, axes)
        # Half a mantissa carries into the exponent from 1.5 on.
        bits = ops.bitwise_and(ops.minimum(largest, _bits.LARGEST) + _HALF_MANTISSA, _bits.EXPONENT)
        scale = _bits.power_of_two(bits, 0, largest)
        return ops.maximum(scale, 2.0 ** (_bits.LOWEST_STEP - self.element.lowest))

    def _check(self) -> None:
        check_group(self.group)
        if not 2 <= self.width <= 8:
            raise ConfigError(f"`width` must be in [2, 8]. Received: width={self.width}.")

    def __str__(self) -> str:
        group = "" if self.group == "tensor" else f",{self.group}"
        return f"inq<{self.width}{group}>" + suffix(self.rounding)
