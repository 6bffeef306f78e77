"""Rounds sparse weights about the means of their two sides, and finds these means less and less often."""

from collections.abc import Iterator
from typing import Any, Literal

import keras

from source.compressor import _portions
from source.compressor._portions import PortionSettings
from source.compressor._quantizer import check_formats
from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.focused_quantize import FocusedPortions, FocusedQuantize
from source.layer.transformation import Transformation
from source.numeric.focused import Focused
from source.numeric.grammar import number_format


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        weights: a focused number format, "focused<3>" to "focused<7>".
    """

    weights: str = "focused<5>"

    def __post_init__(self) -> None:
        check_formats(self, "weights")
        focused = isinstance(number_format(self.weights), Focused)
        require(focused, "weights", 'a focused format, such as "focused<5>"', self.weights)


@settings
class Config(CompressorConfig, PortionSettings, WeightSettings):
    """Settings of focused quantization.

    Attributes:
        incremental: whether weights are rounded and frozen a portion at a time, with the means of the first portion;
            otherwise all are rounded from `begin_step` on, and train straight through.
        portions: with `incremental`, cumulative shares of the weights that are not zero, ascending, the last is 1.
        policy: with `incremental`, which entries go first: "magnitude", "error" or "random".
        seed: of policy "random".
        refit_steps: otherwise, steps from finding means and steps first to finding them anew; 0 finds them once.
        refit_growth: how much longer every further time takes, at least 1.
        end_step: the last one at which means and steps are found anew.
    """

    portions: tuple[float, ...] = (0.25, 0.5, 0.75, 0.875, 1.0)
    incremental: bool = False
    policy: Literal["magnitude", "error", "random"] = "magnitude"
    seed: int = 0
    refit_steps: int = 100
    refit_growth: float = 2.0
    end_step: int = 100_000

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        self.check_portions()
        require(self.refit_steps >= 0, "refit_steps", "at least 0", self.refit_steps)
        require(self.refit_growth >= 1, "refit_growth", "at least 1", self.refit_growth)
        require(self.end_step >= self.begin_step, "end_step", f"at least begin_step={self.begin_step}", self.end_step)

    def refits(self) -> Iterator[int]:
        """Yields the steps at which means and steps are found: first `begin_step`, then in growing distances."""
        step, distance = self.begin_step, float(self.refit_steps)
        while step <= self.end_step:
            yield step
            if distance < 1:
                return
            step += int(distance)
            distance *= self.refit_growth


def build(config: Config) -> "FocusedQuantization":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return FocusedQuantization(config)


class FocusedQuantization(WeightCompressor):
    """Weights become powers of two about two means, times a trained scale; zeros, as pruning leaves them, stay zeros.

    Zhao et al.: Focused quantization for sparse CNNs, 2019, https://arxiv.org/abs/1903.03046
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, WeightSettings(weights=config.weights))
        self.portions = config.schedule()

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns the rounding of a weight, of nothing at first."""
        if self.config.incremental:
            return [FocusedPortions(settings.weights, policy=self.config.policy, seed=self.config.seed)]
        return [FocusedQuantize(settings.weights)]

    def next_update(self, step: int) -> int | None:
        """Returns the step at which the next portion begins, or means and steps are found anew."""
        if self.config.incremental:
            return self.portions.following(step)
        return next((refit for refit in self.config.refits() if refit > step), None)

    def update(self, step: int) -> None:
        """Rounds as much of every weight as is due at the step, or finds means and steps if that is due."""
        if self.config.incremental:
            _portions.freeze(self._mine(self.model, FocusedPortions), self.portions.share(step))
            return
        due = step in self.config.refits()
        for layer, path, each in self._mine(self.model, FocusedQuantize):
            if due or (step > self.config.begin_step and not each.is_known):
                each.refit(layer.seen_weight(path, before=each))

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model with weights that are not rounded as a whole."""
        found: list[Any] = [each for _, _, each in self._mine(model, FocusedPortions)]
        _portions.check_all_frozen(self.name, self.portions, found)
        if not all(each.is_known for _, _, each in self._mine(model, FocusedQuantize)):
            raise ConfigError(
                f"{self.name}: nothing is rounded yet: that begins at step {self.config.begin_step:,}. Give "
                "`keras_callback()` to `fit`, or `compression` to the runner's callbacks, and train that far."
            )
