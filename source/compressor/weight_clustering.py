"""Lets the entries of each weight share a few numbers, which are trained."""

from typing import Literal

import keras

from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.clustered import Clustered
from source.layer.transformation import Transformation


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        clusters: different numbers that a weight may have, 2 to 4096; 16 take 4 bits.
        preserve_sparsity: whether zeros, such as pruning leaves, stay zeros; zero is one of the numbers then.
    """

    clusters: int = 16
    preserve_sparsity: bool = True

    def __post_init__(self) -> None:
        require(2 <= self.clusters <= 4096, "clusters", "from 2 to 4096", self.clusters)


@settings
class Config(CompressorConfig, WeightSettings):
    """Settings of weight clustering.

    Attributes:
        start: where k-means starts: "linear", evenly between the ends; "density", evenly among the weights in their
            order; "random", weights that are drawn.
        seed: of start "random".
        gradient: what a shared number gets of the gradients of its weights: their "sum", the paper's, or their "mean".
        assignments: "fixed", what shares a number at first does so to the end; "refreshed", weights train too, and go
            to the nearest number from time to time.
        begin_step: at which weights are clustered; 0 is before the first step of training.
        end_step: the last one that refreshes assignments.
        every_steps: steps between two refreshments.
    """

    start: Literal["linear", "density", "random"] = "linear"
    seed: int = 0
    gradient: Literal["sum", "mean"] = "sum"
    assignments: Literal["fixed", "refreshed"] = "fixed"
    begin_step: int = 0
    end_step: int = 1000
    every_steps: int = 100

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        require(self.begin_step >= 0, "begin_step", "at least 0", self.begin_step)
        require(self.every_steps >= 1, "every_steps", "at least 1", self.every_steps)
        refreshed = self.assignments == "refreshed"
        soon = self.begin_step + self.every_steps
        require(not refreshed or self.end_step >= soon, "end_step", f"at least {soon}", self.end_step)


def build(config: Config) -> "WeightClustering":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return WeightClustering(config)


class WeightClustering(WeightCompressor):
    """Each weight gets a codebook by k-means, and its entries become positions in it; then the codebook trains.

    Han, Mao, Dally: Deep compression, 2016, https://arxiv.org/abs/1510.00149
    """

    config: Config

    def __init__(self, config: Config) -> None:
        settings = WeightSettings(clusters=config.clusters, preserve_sparsity=config.preserve_sparsity)
        super().__init__(config, settings)

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns the codebook of a weight, not in use at first."""
        return [
            Clustered(
                settings.clusters,
                settings.preserve_sparsity,
                mean_gradient=self.config.gradient == "mean",
                reaches_weight=self.config.assignments == "refreshed",
                start=self.config.start,
                seed=self.config.seed,
            )
        ]

    def next_update(self, step: int) -> int | None:
        """Returns the step at which weights are clustered, or assignments are refreshed."""
        config = self.config
        if step < config.begin_step:
            return config.begin_step
        following = step + config.every_steps - (step - config.begin_step) % config.every_steps
        return following if config.assignments == "refreshed" and following <= config.end_step else None

    def update(self, step: int) -> None:
        """Clusters weights that are not clustered; refreshes the assignments of the others if that is due."""
        if step < self.config.begin_step:
            return
        due = self.next_update(step - 1) == step and step > self.config.begin_step
        for layer, path, each in self._mine(self.model, Clustered):
            if not each.is_active:
                each.cluster(layer.seen_weight(path, before=each))
            elif due:
                each.assign_nearest(layer.seen_weight(path, before=each))

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model whose weights are not clustered."""
        if not all(each.is_active for _, _, each in self._mine(model, Clustered)):
            raise ConfigError(
                f"{self.name}: nothing is clustered yet: that is done at step {self.config.begin_step:,}. Give "
                "`keras_callback()` to `fit`, or `compression` to the runner's callbacks, and train that far."
            )
