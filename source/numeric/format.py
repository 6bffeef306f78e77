"""What every number format can do: round, tell its values and its bytes, pack codes and unpack them."""

import abc
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError, DataError
from source.numeric import _bits, packing
from source.numeric._bits import Tensor
from source.numeric._groups import Group
from source.numeric.rounding import Rounding, check_rounding, check_seed, scale

_MOST_ENUMERATED_BITS = 16


class NumberFormat(abc.ABC):
    """A set of numbers, how to round to it, and how to store it.

    All formats agree on this: numbers are float32 in and out. NaN stays NaN. Infinity becomes the number that is
    largest in magnitude. Subnormal numbers of float32 (below 2^-126) count as zero, and scales stay so large that
    steps are at least 2^-125. Zeros are equal whatever their sign, which codes do not keep where the format has one
    zero only.

    `str()` of a format is a name that `source.numeric.number_format` reads back to an equal format.
    """

    rounding: Rounding

    def __post_init__(self) -> None:
        check_rounding(self.rounding)
        self._check()

    @property
    @abc.abstractmethod
    def bits(self) -> int:
        """Width of the code of one number; scales come on top."""

    @property
    def sharing(self) -> Group:
        """What shares a scale: "tensor", "channel", or the size of a block; "tensor" where nothing is shared."""
        return "tensor"

    @abc.abstractmethod
    def values(self) -> np.ndarray:
        """Returns all finite numbers of the format in ascending order, float32; for formats with scales at scale 1.

        Raises:
            ConfigError: when there are more than 2^16.
        """

    @abc.abstractmethod
    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns how many bytes `encode` makes of a tensor, scales included.

        Args:
            shape: of the tensor.
            axis: as given to `encode`.
        """

    @abc.abstractmethod
    def bytes_per_element(self) -> float:
        """Returns the bytes of a number and its part of a block's scale.

        Scales of tensors and channels weigh nothing here.
        """

    @abc.abstractmethod
    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        """Returns a float32 tensor rounded to the format."""

    @abc.abstractmethod
    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        """Returns the packed codes of a float32 tensor."""

    @abc.abstractmethod
    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        """Returns the numbers of packed codes."""

    def round(self, x: Any, axis: int = -1, seed: int | Tensor | None = None) -> Any:
        """Returns x rounded to the numbers of the format.

        Args:
            x: a NumPy array, a number, or a tensor of Keras' backend, of floating point numbers.
            axis: the axis along which blocks lie, or whose indices are the channels; other formats ignore it.
            seed: for stochastic rounding, an integer or a scalar int32 tensor; equal seeds give equal bits.

        Returns:
            float32 of the shape of x: a NumPy array for one, otherwise a tensor.

        Raises:
            DataError: for integers and for symbolic tensors.
            ConfigError: for an axis that x lacks, and for a seed that is missing or useless.
        """
        check_seed(self.rounding, seed)
        numbers = as_float32(x)
        rounded = numbers if 0 in numbers.shape else self._round(numbers, axis, seed)
        return as_given(rounded, x)

    def encode(self, x: Any, axis: int = -1, seed: int | Tensor | None = None) -> bytes:
        """Returns x rounded, as packed codes: first the scales, if any, then one code a number in C order.

        Args:
            x: as for `round`.
            axis: as for `round`.
            seed: as for `round`.

        Raises:
            DataError: for integers, and for NaN where the format has no code for it.
        """
        check_seed(self.rounding, seed)
        numbers = as_float32(x)
        return b"" if 0 in numbers.shape else self._encode(numbers, axis, seed)

    def decode(self, data: bytes, shape: Sequence[int], axis: int = -1) -> np.ndarray:
        """Returns what `round` gave: `decode(encode(x), x.shape)` equals `round(x)`.

        Args:
            data: what `encode` returned.
            shape: of the tensor.
            axis: as given to `encode`.

        Returns:
            float32 of the given shape.

        Raises:
            DataError: when the bytes are not as many as the tensor takes.
        """
        if len(data) != (expected := self.nbytes(shape, axis)):
            raise DataError(
                f"`{self}` takes {expected} bytes for the shape {tuple(shape)}. Received: {len(data)} bytes."
            )
        return self._decode(data, tuple(shape), axis) if data else np.zeros(shape, np.float32)

    @abc.abstractmethod
    def _check(self) -> None:
        """Refuses fields that make no format."""


class ElementFormat(NumberFormat):
    """A format in which every number stands for itself: a code, and nothing shared."""

    def values(self) -> np.ndarray:
        """Returns all finite numbers of the format in ascending order, float32."""
        if self.bits > _MOST_ENUMERATED_BITS:
            raise ConfigError(f"`{self}` has too many numbers to list: {self.bits} bits. At most 16 bits are listed.")
        numbers = self.from_codes(np.arange(1 << self.bits)) + np.float32(0.0)
        return np.unique(numbers[np.isfinite(numbers)])

    def nbytes(self, shape: Sequence[int], axis: int = -1) -> int:
        """Returns ceil(numbers * bits / 8)."""
        return packing.packed_size(math.prod(shape), self.bits)

    def bytes_per_element(self) -> float:
        """Returns bits / 8."""
        return self.bits / 8

    def ends(self) -> tuple[float, float]:
        """Returns the smallest and the largest number of the format."""
        numbers = self.values()
        return float(numbers[0]), float(numbers[-1])

    def round_within(
        self, x: Any, low: Any, high: Any, seed: int | Tensor | None = None, power_of_two: bool = False
    ) -> Any:
        """Returns x rounded to numbers of the format times a scale, the least at which it reaches both limits.

        The scale is max(high / largest, low / smallest); an end that is not on the limit's side of zero has no say.

        Args:
            x: as for `round`.
            low: float32 that broadcasts with x, such as what calibration found.
            high: likewise.
            seed: as for `round`.
            power_of_two: whether the scale is the next power of two, with which fixed point stays fixed point.

        Returns:
            float32 of the shape of x.
        """
        check_seed(self.rounding, seed)
        numbers = as_float32(x)
        step = self._fit_scale(as_float32(low), as_float32(high), power_of_two)
        scaled = scale(numbers, _bits.reciprocal(step), self.rounding)
        return as_given(self.round_tensor(scaled, seed) * step, x)

    def _fit_scale(self, low: Tensor, high: Tensor, power_of_two: bool) -> Tensor:
        smallest, largest = self.ends()
        # Not below zero only afterwards: a compiler that knows of it sees a division by a constant.
        step = ops.maximum(_bits.divide(high, largest), 0.0) if largest > 0.0 else ops.zeros_like(high)
        if smallest < 0.0:
            step = ops.maximum(step, _bits.divide(-low, -smallest))
        step = _bits.bounded_scale(step, _bits.LOWEST_STEP)
        return _bits.power_of_two_above(step) if power_of_two else step

    @abc.abstractmethod
    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns a float32 tensor rounded to the format, unchecked: what formats with scales are made of."""

    @abc.abstractmethod
    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns the codes of numbers of the format as integers in [0, 2^bits).

        Args:
            values: float32, already rounded.

        Raises:
            DataError: for NaN where the format has no code for it.
        """

    @abc.abstractmethod
    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers of codes as float32."""

    def _round(self, x: Tensor, axis: int, seed: int | Tensor | None) -> Tensor:
        return self.round_tensor(x, seed)

    def _encode(self, x: Tensor, axis: int, seed: int | Tensor | None) -> bytes:
        return packing.pack(self.to_codes(to_numpy(self.round_tensor(x, seed))), self.bits)

    def _decode(self, data: bytes, shape: tuple[int, ...], axis: int) -> np.ndarray:
        return self.from_codes(packing.unpack(data, self.bits, math.prod(shape))).reshape(shape)

    def _refuse_nan(self, values: np.ndarray) -> None:
        if np.isnan(values).any():
            raise DataError(f"`{self}` has no code for NaN. Received: {int(np.isnan(values).sum())} NaN.")


def as_float32(x: Any) -> Tensor:
    """Returns x as a float32 tensor.

    Raises:
        DataError: for integers and truth values, and for symbolic tensors, which hold no numbers.
    """
    if isinstance(x, keras.KerasTensor):
        raise DataError("Number formats round numbers; let a layer do it in its `call`. Received: a symbolic tensor.")
    if not _is_tensor(x):
        x = np.asarray(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise DataError(f"Number formats round floating point numbers. Received: dtype={dtype}.")
    return ops.convert_to_tensor(x, "float32") if not _is_tensor(x) else ops.cast(x, "float32")


def as_given(rounded: Tensor, x: Any) -> Any:
    """Returns a tensor as it is where x is one, and as an array otherwise."""
    return rounded if _is_tensor(x) else ops.convert_to_numpy(rounded)


def to_numpy(x: Tensor) -> np.ndarray:
    """Returns a tensor as a float32 array."""
    return np.asarray(ops.convert_to_numpy(x), np.float32)


def _is_tensor(x: Any) -> bool:
    return isinstance(x, keras.Variable) or bool(ops.is_tensor(x))
