"""The format that changes nothing: float32 as it stands."""

import dataclasses
from typing import Any

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

    def round_within(
        self, x: Any, low: Any, high: Any, seed: int | Tensor | None = None, power_of_two: bool = False
    ) -> Any:
        """Returns x as float32, whatever the limits.

        Args:
            x: as for `round`.
            low: has no effect.
            high: has no effect.
            seed: as for `round`.
            power_of_two: has no effect.
        """
        return self.round(x, seed=seed)

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
