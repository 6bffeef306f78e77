"""NVFP4: blocks of 16 four bit numbers with an eight bit scale each, and one float32 scale for the tensor."""

import dataclasses

import numpy as np
from keras import ops

from source.numeric import _bits, packing
from source.numeric._bits import Tensor
from source.numeric._groups import check_group
from source.numeric.format import to_numpy
from source.numeric.minifloat import Minifloat
from source.numeric.rounding import Rounding, letter
from source.numeric.scaled import ScaledFormat

_SCALE = Minifloat(4, 3, specials="nan")
_SMALLEST_SCALE = 2.0**-6  # the smallest normal number of E4M3, as NVIDIA's recipe has it
_TENSOR_SCALE_BYTES = 4


@dataclasses.dataclass(frozen=True)
class NVFP4(ScaledFormat):
    """Numbers q * s * g: q of E2M1, s of E4M3 for each block, g of float32 for the tensor.

    g = max |x| / (6 * 448) over the tensor; s = E4M3(max |x| / (6 g)) over the block, in [2^-6, 448].
    Described in NVIDIA, Pretraining Large Language Models with NVFP4, 2025, https://arxiv.org/abs/2509.25149

    Attributes:
        size: numbers in a block.
        tensor_scale: whether there is g; without, g = 1.
        rounding: how to round q; scales are rounded to nearest.
    """

    size: int = 16
    tensor_scale: bool = True
    rounding: Rounding = "nearest"

    @property
    def element(self) -> Minifloat:
        """E2M1."""
        return Minifloat(2, 1, rounding=self.rounding)

    @property
    def sharing(self) -> int:
        """The size of a block."""
        return self.size

    @property
    def scale_bits(self) -> int:
        """Bits of a stored scale: 8."""
        return _SCALE.bits

    @property
    def shared_bytes(self) -> int:
        """Bytes of the tensor's scale."""
        return _TENSOR_SCALE_BYTES if self.tensor_scale else 0

    def _scales(self, blocks: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Returns the tensor's and the blocks' scales."""
        bits = _bits.largest_magnitude(blocks, axes)
        largest = _bits.finite(bits)
        # The block that is NaN must not make the others so.
        whole = ops.max(ops.where(bits > _bits.EXPONENT, 0, ops.minimum(bits, _bits.LARGEST)))
        tensor = _bits.divide(ops.view(whole, "float32"), self.element.largest * _SCALE.largest)
        # Blocks of a tensor whose scale underflows are zero in any case.
        tensor = ops.maximum(tensor, 2.0**-100) if self.tensor_scale else ops.ones_like(tensor)
        block = ops.clip(_bits.divide(largest, self.element.largest) / tensor, _SMALLEST_SCALE, _SCALE.largest)
        return tensor, _SCALE.round_tensor(block)

    def _scale(self, blocks: Tensor, axes: tuple[int, ...]) -> Tensor:
        tensor, block = self._scales(blocks, axes)
        return block * tensor

    def _pack_scales(self, blocks: Tensor, axes: tuple[int, ...]) -> bytes:
        tensor, block = (to_numpy(scale) for scale in self._scales(blocks, axes))
        head = tensor.astype("<f4").tobytes() if self.tensor_scale else b""
        return head + packing.pack(_SCALE.to_codes(block), self.scale_bits)

    def _unpack_scales(self, data: bytes, count: int) -> np.ndarray:
        tensor = np.frombuffer(data[: self.shared_bytes], "<f4")[0] if self.tensor_scale else np.float32(1.0)
        return _SCALE.from_codes(packing.unpack(data[self.shared_bytes :], self.scale_bits, count)) * tensor

    def _check(self) -> None:
        check_group(self.size)

    def __str__(self) -> str:
        options = [] if self.tensor_scale else ["1"]
        options += [letter(self.rounding)] if self.rounding != "nearest" else []
        return f"NVFP4{{{self.size}}}" + (f"({','.join(options)})" if options else "")
