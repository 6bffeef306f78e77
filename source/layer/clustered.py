"""Weights that share a few numbers: each entry points at one of a codebook, which is trained."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.numeric import gradient
from source.numeric.codebook import Start, k_means


@keras.saving.register_keras_serializable(package="espalier")
class Clustered(Transformation):
    """c[i] for each entry, with its position i in a trained codebook c; w itself until `cluster` finds both.

    The gradient of a number of the codebook is the sum, or the mean, of those of the entries that point at it.

    Han, Mao, Dally: Deep compression, 2016, https://arxiv.org/abs/1510.00149

    Attributes:
        clusters: numbers in the codebook, 2 to 4096.
        preserve_sparsity: whether one of them is zero, which is not trained and stands where w is zero, and only there.
        mean_gradient: whether a number gets the mean, not the sum, of the gradients of its entries.
        reaches_weight: whether w gets the gradients of its entries too, so that they may point elsewhere later.
        start: where k-means starts: "linear", "density" or "random".
        seed: of start "random".
    """

    def __init__(
        self,
        clusters: int = 16,
        preserve_sparsity: bool = True,
        mean_gradient: bool = False,
        reaches_weight: bool = False,
        start: Start = "linear",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 2 <= clusters <= 4096:
            raise ConfigError(f"`clusters` must be in [2, 4096]. Received: clusters={clusters}.")
        self.clusters = clusters
        self.preserve_sparsity = preserve_sparsity
        self.mean_gradient = mean_gradient
        self.reaches_weight = reaches_weight
        self.start = start
        self.seed = seed

    @property
    def trained_numbers(self) -> int:
        """How many numbers the codebook has beside zero."""
        return self.clusters - 1 if self.preserve_sparsity else self.clusters

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the codebook, the positions, and whether they are in use."""
        super().build(input_shape)
        settings: dict[str, Any] = {"initializer": "zeros", "trainable": False, "aggregation": "only_first_replica"}
        self.codebook = self.add_weight(name="codebook", shape=(self.trained_numbers,), initializer="zeros")
        self.positions = self.add_weight(name="positions", shape=input_shape, dtype="int32", **settings)
        self.active = self.add_weight(name="active", shape=(), **settings)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns the numbers that the entries point at."""
        members = ops.not_equal(x, 0.0) if self.preserve_sparsity else ops.ones_like(x, dtype="bool")
        numbers = ops.reshape(self._shared(members), ops.shape(x))
        if self.reaches_weight:
            numbers = numbers + gradient.straight_through(ops.zeros_like, x)  # adds nothing but the gradient of x
        seen = ops.where(members, numbers, 0.0)
        return ops.where(ops.convert_to_tensor(self.active) > 0, seen, x)

    def cluster(self, x: Tensor) -> None:
        """Finds the codebook of a weight by k-means, and what each entry points at.

        Args:
            x: the weight as it enters here, float32.
        """
        numbers = _array(x)
        centres = self._centres(numbers[numbers != 0.0] if self.preserve_sparsity else numbers.reshape(-1))
        self.codebook.assign(np.pad(centres, (0, self.trained_numbers - centres.size), mode="edge"))
        self.assign_nearest(x)
        self.active.assign(1.0)

    def assign_nearest(self, x: Tensor) -> None:
        """Lets every entry point at the number of the codebook that is nearest to it.

        Args:
            x: as for `cluster`.
        """
        codebook = _array(self.codebook)
        order = np.argsort(codebook, kind="stable")
        ascending = codebook[order].astype(np.float64)
        borders = (ascending[:-1] + ascending[1:]) / 2
        self.positions.assign(order[np.searchsorted(borders, _array(x))].astype(np.int32))

    @property
    def is_active(self) -> bool:
        """Whether there is a codebook."""
        return bool(ops.convert_to_numpy(self.active) > 0)

    @property
    def code_bits(self) -> float | None:
        """Bits of a position: log2 of the numbers, rounded up; None before there is a codebook."""
        return (self.clusters - 1).bit_length() if self.is_active else None

    def scale_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of the codebook, float32; zero is not stored."""
        return 4 * self.trained_numbers

    @property
    def description(self) -> str:
        """How many numbers there are."""
        return f"{self.clusters} clusters"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        names = ("clusters", "preserve_sparsity", "mean_gradient", "reaches_weight", "start", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _shared(self, members: Tensor) -> Tensor:
        """Returns the numbers of all positions in one row, with the gradient of the codebook written out."""
        length = self.trained_numbers
        flat = ops.reshape(self.positions, (-1,))
        counts = ops.segment_sum(ops.cast(ops.reshape(members, (-1,)), "float32"), flat, num_segments=length)
        share = 1.0 / ops.maximum(counts, 1.0) if self.mean_gradient else ops.ones_like(counts)

        @ops.custom_gradient
        def shared(codebook: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
            def backward(*args: Tensor, upstream: Tensor | None = None) -> Tensor:
                above = args[0] if upstream is None else upstream
                return ops.segment_sum(above, flat, num_segments=length) * share

            return ops.take(codebook, flat), backward

        return shared(ops.reshape(self.codebook, (-1,)))  # TensorFlow wants no variable here

    def _centres(self, numbers: np.ndarray) -> np.ndarray:
        """Returns at most as many centres as the codebook has numbers, at least one."""
        different = np.unique(numbers)
        if different.size <= self.trained_numbers:
            return different if different.size else np.zeros(1, np.float32)
        if self.trained_numbers == 1:
            return np.asarray([np.mean(numbers, dtype=np.float64)], np.float32)
        return k_means(numbers, self.trained_numbers, start=self.start, seed=self.seed).table


def _array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))
