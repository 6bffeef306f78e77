"""What formats with shared scales have in common: the numbers are those of another format times a scale."""

import abc
import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from source.numeric import _bits, _groups, packing, rounding
from source.numeric._bits import Tensor
from source.numeric._groups import Group
from source.numeric.format import ElementFormat, NumberFormat, to_numpy


class ScaledFormat(NumberFormat):
    """A format whose numbers are `element * scale`, with one scale for a tensor, a channel or a block.

    x is divided by its scale, rounded to the element format and multiplied by the scale. A group that holds a NaN
    is NaN as a whole.
    """

    @property
    @abc.abstractmethod
    def element(self) -> ElementFormat:
        """The format of the numbers before they are scaled."""

    @property
    @abc.abstractmethod
    def sharing(self) -> Group:
        """What shares a scale: "tensor", "channel", or the size of a block."""

    @property
    @abc.abstractmethod
    def scale_bits(self) -> int:
        """Bits of a stored scale."""

    @property
    def shared_bytes(self) -> int:
        """Bytes stored once for a whole tensor, whatever its size."""
        return 0

    @property
    def bits(self) -> int:
        """Width of the code of one number; scales come on top."""
        return self.element.bits

    def values(self) -> np.ndarray:
        """Returns the numbers at scale 1 in ascending order, float32."""
        return self.element.values()

    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns the bytes of scales and codes, each rounded up to whole bytes; nothing for no numbers."""
        if 0 in shape:
            return 0
        scales = packing.packed_size(_groups.count(tuple(shape), axis, self.sharing), self.scale_bits)
        return self.shared_bytes + scales + packing.packed_size(math.prod(shape), self.bits)

    def bytes_per_element(self) -> float:
        """Returns the bytes of a number and its part of a block's scale.

        Scales of tensors and channels weigh nothing here.
        """
        shared = self.scale_bits / self.sharing if isinstance(self.sharing, int) else 0.0
        return (self.bits + shared) / 8

    @abc.abstractmethod
    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        """Returns the positive scale of each group; the group's axes stay with size one. NaN for a group with NaN."""

    @abc.abstractmethod
    def _pack_scales(self, blocks: Tensor, axes: tuple[int, ...]) -> bytes:
        """Returns the stored form of the scales of groups."""

    @abc.abstractmethod
    def _unpack_scales(self, data: bytes, count: int) -> np.ndarray:
        """Returns scales as float32 from their stored form."""

    def _levels(self, blocks: Tensor, axes: tuple[int, ...], scale: Tensor, seed: int | Tensor | None) -> Tensor:
        """Returns the element format's numbers that groups of numbers become."""
        return self.element.round_tensor(rounding.scale(blocks, self._inverse(scale), self.rounding), seed)

    def _inverse(self, scale: Tensor) -> Tensor:
        """Returns 1 / scale; anything for NaN."""
        return _bits.reciprocal(scale)

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        blocks, axes, merge = _groups.split(x, axis, self.sharing)
        scale = self._scale(blocks, axes)
        return merge(self._levels(blocks, axes, scale, seed) * scale)

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        blocks, axes, merge = _groups.split(x, axis, self.sharing)
        scale = self._scale(blocks, axes)
        # A scale that is NaN says so for its whole group; the codes of such a group are those of zero.
        levels = to_numpy(merge(ops.where(ops.isnan(scale), 0.0, self._levels(blocks, axes, scale, seed))))
        return self._pack_scales(blocks, axes) + packing.pack(self.element.to_codes(levels), self.bits)

    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        codes = len(data) - packing.packed_size(math.prod(shape), self.bits)
        levels = self.element.from_codes(packing.unpack(data[codes:], self.bits, math.prod(shape))).reshape(shape)
        blocks, axes, merge = _groups.split(ops.convert_to_tensor(levels), axis, self.sharing)
        groups = _groups.count(shape, axis, self.sharing)
        scale = self._unpack_scales(data[:codes], groups).astype(np.float32)
        return to_numpy(merge(blocks * scale.reshape(_groups.scale_shape(blocks, axes))))


class PowerOfTwoScales(ScaledFormat):
    """Scales that are powers of two, stored in the 8 bits of OCP's E8M0: exponent + 127, and 255 for NaN."""

    @property
    def scale_bits(self) -> int:
        """Bits of a stored scale: 8."""
        return 8

    def _inverse(self, scale: Tensor) -> Tensor:
        return _bits.power_reciprocal(scale)

    def _pack_scales(self, blocks: Tensor, axes: tuple[int, ...]) -> bytes:
        scale = to_numpy(self._scale(blocks, axes))
        exponent = np.frexp(np.nan_to_num(scale, nan=1.0))[1] - 1
        return packing.pack(np.where(np.isnan(scale), 255, exponent + 127), 8)

    def _unpack_scales(self, data: bytes, count: int) -> np.ndarray:
        codes = packing.unpack(data, 8, count)
        return np.where(codes == 255, np.float32(np.nan), np.ldexp(np.float32(1.0), codes - 127))


class FloatScales(ScaledFormat):
    """Scales that are stored as float32."""

    @property
    def scale_bits(self) -> int:
        """Bits of a stored scale: 32."""
        return 32

    def _pack_scales(self, blocks: Tensor, axes: tuple[int, ...]) -> bytes:
        return to_numpy(self._scale(blocks, axes)).astype("<f4").tobytes()

    def _unpack_scales(self, data: bytes, count: int) -> np.ndarray:
        return np.frombuffer(data, "<f4")
