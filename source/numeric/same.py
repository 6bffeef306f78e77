"""The format that changes nothing: float32 as it stands."""

import dataclasses

import numpy as np

from source.numeric._bits import Tensor
from source.numeric.format import ElementFormat
from source.numeric.rounding import Rounding


@dataclasses.dataclass(frozen=True)
class Same(ElementFormat):
    """All of float32, infinity and subnormal numbers included: numbers stay what they are, bit for bit."""

    @property
    def rounding(self) -> Rounding:  # type: ignore[override]
        """Nothing is rounded."""
        return "nearest"

    @property
    def bits(self) -> int:
        """Width of a code: 32."""
        return 32

    def round_tensor(self, x: Tensor, seed: int | Tensor | None = None) -> Tensor:
        """Returns x."""
        return x

    def to_codes(self, values: np.ndarray) -> np.ndarray:
        """Returns the bits of float32."""
        return values.view(np.uint32).astype(np.int64)

    def from_codes(self, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers of bits of float32."""
        return np.asarray(codes, np.int64).astype(np.uint32).view(np.float32)

    def _check(self) -> None:
        """Accepts the format: it has no fields."""

    def __str__(self) -> str:
        return "SAME"
