"""Rounds weights a portion at a time, and lets the rest train on to make up for it."""

from typing import Literal

import keras

from source.compressor import _portions
from source.compressor._portions import PortionSettings
from source.compressor._quantizer import check_formats, scale_axis
from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig
from source.config.settings import settings
from source.layer.frozen_portions import FrozenPortions
from source.layer.transformation import Transformation
from source.numeric.grammar import number_format


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        weights: number format; "inq<5>" are powers of two below the one that the largest weight rounds to, and zero.
        policy: which entries of a weight go first: "magnitude", the largest; "error", those nearest to what they are
            rounded to; "random".
        count_zero: whether portions are shares of all entries of a weight, or of those that are not zero.
    """

    weights: str = "inq<5>"
    policy: Literal["magnitude", "error", "random"] = "magnitude"
    count_zero: bool = False

    def __post_init__(self) -> None:
        check_formats(self, "weights")


@settings
class Config(CompressorConfig, PortionSettings, WeightSettings):
    """Settings of incremental quantization.

    Attributes:
        seed: of policy "random", and of stochastic rounding.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        self.check_portions()


def build(config: Config) -> "IncrementalQuantization":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return IncrementalQuantization(config)


class IncrementalQuantization(WeightCompressor):
    """Portions of each weight are rounded and frozen, one after the other; what is left trains with full precision.

    Zhou et al.: Incremental network quantization, 2017, https://arxiv.org/abs/1702.03044, with policy "magnitude";
    policy "error" is that of Mayo (Zhao et al., 2018, https://doi.org/10.1145/3212725.3212726).
    """

    config: Config

    def __init__(self, config: Config) -> None:
        fields = WeightSettings.__dataclass_fields__
        super().__init__(config, WeightSettings(**{name: getattr(config, name) for name in fields}))
        self.portions = config.schedule()

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns the rounding of a weight, of nothing at first."""
        format = number_format(settings.weights)
        axis = scale_axis(format, layer, path)
        return [FrozenPortions(format, axis, settings.policy, settings.count_zero, self.config.seed)]

    def next_update(self, step: int) -> int | None:
        """Returns the step at which the next portion begins."""
        return self.portions.following(step)

    def update(self, step: int) -> None:
        """Rounds and freezes as much of every weight as is due at the step."""
        _portions.freeze(self._mine(self.model, FrozenPortions), self.portions.share(step))

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model with weights that are not rounded as a whole."""
        found = [each for _, _, each in self._mine(model, FrozenPortions)]
        _portions.check_all_frozen(self.name, self.portions, found)
