"""Scaled block floating point: integers times a scale of few bits that a block's largest number sets."""

import dataclasses

import numpy as np
from keras import ops

from source.config.errors import ConfigError, DataError
from source.numeric import _bits, packing
from source.numeric._bits import Tensor
from source.numeric._groups import check_group
from source.numeric.fixed_point import FixedPoint
from source.numeric.format import to_numpy
from source.numeric.minifloat import Minifloat
from source.numeric.rounding import Rounding, keep_sign
from source.numeric.scaled import ScaledFormat


@dataclasses.dataclass(frozen=True)
class ScaledBlock(ScaledFormat):
    """Numbers n * S, with S the scaler format's rounding of s = max |x| / (2^(width - 1) - 1) over the block.

    Attributes:
        integers: the symmetric integers n, of `width` bits.
        scaler: format of S. Blocks whose s it rounds to zero are zero: mind its bias.
        size: numbers in a block.
        legacy: whether n = round(x / s) as the format was first built, rather than round(x / S). Then numbers are
            wrong by up to the rounding of S.
    """

    integers: FixedPoint
    scaler: Minifloat
    size: int
    legacy: bool = False

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """How to round: as the integers do."""
        return self.element.rounding

    @property
    def element(self) -> FixedPoint:
        """The integers n."""
        return self.integers

    @property
    def sharing(self) -> int:
        """The size of a block."""
        return self.size

    @property
    def scale_bits(self) -> int:
        """Bits of a stored scale."""
        return self.scaler.bits

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        return self.scaler.round_tensor(self._exact_scale(blocks, axes))

    def _exact_scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        return _bits.divide(_bits.finite(_bits.largest_magnitude(blocks, axes)), float(self.element.highest))

    def _levels(self, blocks: Tensor, axes: tuple[int, ...], scale: Tensor, seed: int | Tensor | None) -> Tensor:
        divisor = self._exact_scale(blocks, axes) if self.legacy else scale
        quotient = blocks / ops.where(divisor == 0.0, 1.0, divisor)
        levels = self.element.round_tensor(keep_sign(quotient, blocks, self.rounding), seed)
        return ops.where(scale == 0.0, 0.0, levels)

    def _pack_scales(self, blocks: Tensor, axes: tuple[int, ...]) -> bytes:
        scale = to_numpy(self._scale(blocks, axes))
        if np.isnan(scale).any():
            raise DataError(f"`{self}` has no code for NaN. Received: {int(np.isnan(scale).sum())} blocks with NaN.")
        return packing.pack(self.scaler.to_codes(scale), self.scale_bits)

    def _unpack_scales(self, data: bytes, count: int) -> np.ndarray:
        return self.scaler.from_codes(packing.unpack(data, self.scale_bits, count))

    def _check(self) -> None:
        check_group(self.size)
        if not self.element.symmetric or self.element.fraction or not self.element.clamp or self.element.width < 2:
            raise ConfigError(
                "Elements of SBFP are symmetric integers of 2 bits or more that clamp, such as `XP[4,0](CSN)`. "
                f"Received: `{self.element}`."
            )
        if self.scaler.rounding != "nearest":
            raise ConfigError(f"The scaler of SBFP rounds to nearest. Received: `{self.scaler}`.")

    def __str__(self) -> str:
        return f"SBFP<{self.element}><{self.scaler}>{{{self.size}}}" + ("(legacy)" if self.legacy else "")
