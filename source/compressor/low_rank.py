"""Replaces weights by products of two thin matrices, which are trained."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from source.compressor.compressor import Calibration
from source.compressor.report import Report
from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.low_rank import LowRank, matrix, matrix_shape, row_axes
from source.layer.transformation import Transformation
from source.surgery.factorise import split_refusal


@settings
class WeightSettings:
    """What a rule may set. Of several limits of the rank the least holds; null takes one away.

    Attributes:
        ratio: numbers in both factors, at most this share of those in the weight, in (0, 1).
        energy: the least rank whose singular values have this share of the sum of all squares, in (0, 1].
        rank: at most this.
        split: whether the finished layer is two layers with the factors as their weights, where that is possible;
            otherwise it is one whose weight is the product.
    """

    ratio: float | None = 0.5
    energy: float | None = None
    rank: int | None = None
    split: bool = True

    def __post_init__(self) -> None:
        require(self.ratio is None or 0 < self.ratio < 1, "ratio", "between 0 and 1", self.ratio)
        require(self.energy is None or 0 < self.energy <= 1, "energy", "above 0 and at most 1", self.energy)
        require(self.rank is None or self.rank >= 1, "rank", "at least 1", self.rank)
        given = (self.ratio, self.energy, self.rank)
        require(given != (None, None, None), "ratio", "given where `energy` and `rank` are not", self.ratio)


@settings
class Config(CompressorConfig, WeightSettings):
    """Settings of low rank approximation."""


def build(config: Config) -> "LowRankApproximation":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return LowRankApproximation(config)


class LowRankApproximation(WeightCompressor):
    """Kernels become products of factors, which begin as the singular value decomposition and train in their place.

    A kernel (h, w, c_in, c_out) is cut as Jaderberg et al. do: Speeding up convolutional neural networks with low rank
    expansions, 2014, https://arxiv.org/abs/1405.3866. Finished dense layers, tables and convolutions are two layers
    with the factors as their weights; others have the product as their kernel, as large and as fast as before.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        settings = WeightSettings(ratio=config.ratio, energy=config.energy, rank=config.rank, split=config.split)
        super().__init__(config, settings)

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns the factors of a weight, not set yet."""
        weight = np.asarray(ops.convert_to_numpy(weight_paths.of(layer)[path]), np.float32)
        rows = row_axes(layer, path, weight.ndim)
        return [LowRank(_rank(weight, rows, settings), rows, settings.split)]

    def refusal(
        self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: WeightSettings
    ) -> str | None:
        """Returns why a weight is left alone: also where factors would be as large."""
        general = super().refusal(layer, path, variable, settings)
        if general is not None:
            return general
        if len(variable.shape) < 2:
            return "is no matrix"
        if weight_paths.is_depthwise(layer, path):
            return "is depthwise: its channels have nothing in common"
        rows = row_axes(layer, path, len(variable.shape))
        height, width = matrix_shape(variable.shape, rows)
        numbers, a_rank = height * width, height + width
        rank = _rank(np.asarray(ops.convert_to_numpy(variable), np.float32), rows, settings)
        if rank < 1:
            return f"would keep nothing: a rank takes {a_rank:,} numbers, and it has {numbers:,}"
        if rank * a_rank >= numbers:
            return f"would not be smaller: rank {rank} takes {rank * a_rank:,} numbers, and it has {numbers:,}"
        return None

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with factors in the place of weights; the model itself stays as it is."""
        prepared = super().prepare(model, calibration)
        for layer, path, each in self._mine(prepared, LowRank):
            if layer.weight_chains[path][0] is not each:
                before = layer.weight_chains[path][0].description
                raise ConfigError(
                    f"{self.name}: weight `{path}` of layer `{layer.name}` is seen through `{before}` already, which "
                    "factors would undo. Let low_rank be the first compressor."
                )
            each.calibrate(np.asarray(ops.convert_to_numpy(layer.weight(path)), np.float32))
        return prepared

    def report(self, model: keras.Model) -> Report:
        """Returns the report, which tells what will not be two layers in the end."""
        wholes = {layer: split_refusal(layer) for layer, _, _ in self._mine(model, LowRank)}
        notes = [f"{layer.name} stays one layer: it {why}" for layer, why in wholes.items() if why is not None]
        return super().report(model).with_notes(*notes)


def _rank(weight: np.ndarray, rows: tuple[int, ...], settings: Any) -> int:
    """Returns the rank that all limits allow; 0 where the ratio allows none."""
    height, width = matrix_shape(weight.shape, rows)
    limits = [min(height, width)]
    if settings.rank is not None:
        limits.append(settings.rank)
    if settings.ratio is not None:
        # A number counts as it is written: 0.3 of 100 is 30.
        limits.append(math.floor(round(settings.ratio * height * width, 6) / (height + width)))
    if settings.energy is not None:
        limits.append(_rank_of_energy(matrix(weight, rows), settings.energy))
    return min(limits)


def _rank_of_energy(weight: np.ndarray, share: float) -> int:
    squares = np.square(np.linalg.svd(weight.astype(np.float64), compute_uv=False))
    whole = squares.sum()
    # The last sums differ by rounding; all singular values together have share 1.
    return int(np.searchsorted(np.cumsum(squares) / whole, share - 1e-12)) + 1 if whole > 0 else 1
