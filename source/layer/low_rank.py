"""Weights that are a product of two thin matrices, which are trained in the place of the weight."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.layer import weight_paths
from source.layer.transformation import Tensor, Transformation


@keras.saving.register_keras_serializable(package="espalier")
class LowRank(Transformation):
    """left · right in the place of w, which gets no gradient and stays as it was.

    w is seen as a matrix: some axes are its rows, the others its columns, each in their order. `calibrate` sets the
    factors to U sqrt(S) and sqrt(S) V of the singular value decomposition w = U S V, cut off at the rank: the matrix of
    this rank that is nearest to w (Eckart, Young, 1936).

    Attributes:
        rank: columns of `left` and rows of `right`, at least 1.
        rows: axes of the weight that are rows.
        split: whether the finished layer is to be two with the factors as their weights, where it can.
    """

    def __init__(self, rank: int, rows: Sequence[int] = (0,), split: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if rank < 1:
            raise ConfigError(f"`rank` must be at least 1. Received: rank={rank}.")
        self.rank = rank
        self.rows = tuple(rows)
        self.split = split

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the factors."""
        super().build(input_shape)
        height, width = matrix_shape(input_shape, self.rows)
        self.left = self.add_weight(name="left", shape=(height, self.rank), initializer="zeros")
        self.right = self.add_weight(name="right", shape=(self.rank, width), initializer="zeros")

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns the product of the factors in the shape of x."""
        product = ops.matmul(ops.convert_to_tensor(self.left), ops.convert_to_tensor(self.right))
        return _tensor(product, tuple(int(length) for length in x.shape), self.rows)

    def calibrate(self, x: np.ndarray) -> None:
        """Sets the factors to those of the matrix of this rank that is nearest to x."""
        left, values, right = np.linalg.svd(matrix(x, self.rows).astype(np.float64), full_matrices=False)
        root = np.sqrt(values[: self.rank])
        missing = self.rank - root.size
        self.left.assign(np.pad(left[:, : self.rank] * root, ((0, 0), (0, missing))))
        self.right.assign(np.pad(root[:, np.newaxis] * right[: self.rank], ((0, missing), (0, 0))))

    @property
    def passes_gradient(self) -> bool:
        """Whether gradients reach the weight: no."""
        return False

    def factor_bytes(self, shape: Sequence[int]) -> int:
        """Returns the bytes of both factors, float32."""
        return 4 * self.rank * sum(matrix_shape(shape, self.rows))

    @property
    def description(self) -> str:
        """The rank."""
        return f"rank {self.rank}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {**super().get_config(), "rank": self.rank, "rows": list(self.rows), "split": self.split}


def row_axes(layer: keras.layers.Layer, path: str, rank: int) -> tuple[int, ...]:
    """Returns the axes of a weight that are the rows of its matrix.

    A kernel (h, w, c_in, c_out) becomes (h c_in) x (w c_out), so that its factors are a vertical and a horizontal
    convolution; with one spatial axis, that goes with the inputs. Of other weights, the axes up to the one that a
    product is summed over are rows.

    Args:
        layer: the layer that has the weight.
        path: of the weight below the layer.
        rank: number of axes of the weight, at least 2.
    """
    if weight_paths.is_convolution(layer) and rank > 2:
        spatial = rank - 2
        return (*range((spatial + 1) // 2), rank - 2)
    last = weight_paths.block_axis(layer, path) % rank
    return tuple(range(last + 1)) if last < rank - 1 else tuple(range(rank - 1))


def matrix_shape(shape: Sequence[int | None], rows: Sequence[int]) -> tuple[int, int]:
    """Returns the numbers of rows and columns of a weight seen as a matrix.

    Args:
        shape: of the weight.
        rows: axes that are rows.
    """
    lengths = [int(length or 0) for length in shape]
    height = math.prod(lengths[axis] for axis in rows)
    return height, math.prod(lengths[axis] for axis in range(len(lengths)) if axis not in rows)


def matrix(x: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """Returns a weight as a matrix.

    Args:
        x: of two or more axes.
        rows: axes that are rows.
    """
    return np.transpose(x, _order(x.ndim, rows)).reshape(matrix_shape(x.shape, rows))


def _tensor(x: Tensor, shape: tuple[int, ...], rows: Sequence[int]) -> Tensor:
    """Returns a matrix as the weight of a shape."""
    order = _order(len(shape), rows)
    grouped = ops.reshape(x, [shape[axis] for axis in order])
    return ops.transpose(grouped, np.argsort(order).tolist())


def _order(rank: int, rows: Sequence[int]) -> list[int]:
    return [*rows, *(axis for axis in range(rank) if axis not in rows)]
