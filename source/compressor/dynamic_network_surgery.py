"""Prunes weights below a threshold while the model trains, and brings those back that grow above it again."""

import dataclasses
from typing import Any, Literal

import keras

from source.compressor._drawn_ramp import DrawnRamp
from source.compressor._scheduled_masks import WHOLE, ScheduledMasks, ScheduleSettings
from source.config.config import CompressorConfig, require
from source.config.settings import settings
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.layer.surgery_mask import SurgeryMask
from source.layer.transformation import Transformation
from source.sparsity.pattern import TopK

_DEFAULT_SPARSITY = 0.8


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        sparsity: share of zeros at the end, in (0, 1), from which the threshold of each mask follows; 0.8 if `alpha` is
            not given either.
        alpha: instead of `sparsity`, of the threshold mean |w| + alpha * std |w|; larger is sparser.
        initial_alpha: where the schedule begins that leads to `alpha`; without, `alpha` holds from the first step on.
        final_sparsity: makes the last mask, at the last step of the schedule, keep exactly
            round(entries * (1 - final_sparsity)) entries, those of the largest magnitude whether pruned before or not;
            in (0, 1). With `alpha`, whose share follows from the weights, it sets the final count.
    """

    sparsity: float | None = None
    alpha: float | None = None
    initial_alpha: float | None = None
    final_sparsity: float | None = None

    def __post_init__(self) -> None:
        for name in ("sparsity", "final_sparsity"):
            value = getattr(self, name)
            require(value is None or 0 < value < 1, name, "between 0 and 1", value)
        if self.alpha is not None:
            require(self.sparsity is None, "sparsity", "left out, or null, where `alpha` decides", self.sparsity)
        else:
            require(self.initial_alpha is None, "initial_alpha", "left out without `alpha`", self.initial_alpha)

    @property
    def aim(self) -> float:
        """The share of zeros at the end where `alpha` does not decide."""
        return _DEFAULT_SPARSITY if self.sparsity is None else self.sparsity


@settings
class Config(CompressorConfig, ScheduleSettings, WeightSettings):
    """Settings of dynamic network surgery.

    Attributes:
        backward: how gradients pass: "ste", to all weights, so that pruned ones may grow back; or "masked", not to
            pruned ones, which then come back only when the threshold falls.
        on_factor: pruned entries above on_factor times the threshold come back; at least `off_factor`.
        off_factor: entries up to off_factor times the threshold are pruned; positive.
        update_decay: a mask that is due is made with probability (1 + update_decay * steps)^-update_power, by steps
            since the first; 0 always makes it. The first and the last mask are always made.
        update_power: of that probability.
        seed: of that draw.
    """

    backward: Literal["ste", "masked"] = "ste"
    on_factor: float = 1.1
    off_factor: float = 0.9
    update_decay: float = 0.0
    update_power: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        require(self.off_factor > 0, "off_factor", "positive", self.off_factor)
        require(
            self.on_factor >= self.off_factor, "on_factor", f"at least off_factor={self.off_factor}", self.on_factor
        )
        require(self.update_decay >= 0, "update_decay", "at least 0", self.update_decay)
        require(self.update_power > 0, "update_power", "positive", self.update_power)
        require(0 <= self.initial_sparsity < 1, "initial_sparsity", "at least 0 and below 1", self.initial_sparsity)
        require(
            self.alpha is None or not self.initial_sparsity,
            "initial_sparsity",
            "0 where `alpha` decides; give `initial_alpha`",
            self.initial_sparsity,
        )
        self.progress()


def build(config: Config) -> "DynamicNetworkSurgery":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return DynamicNetworkSurgery(config)


class DynamicNetworkSurgery(ScheduledMasks):
    """Masks by a threshold, mean |w| + alpha * std |w| over all entries of a weight, pruned ones too, with hysteresis.

    Guo et al.: Dynamic network surgery for efficient DNNs, 2016, https://arxiv.org/abs/1608.04493. There the threshold
    is that of the first step; here it follows the weights.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        names = [field.name for field in dataclasses.fields(WeightSettings)]
        ramp = DrawnRamp(ramp=config.progress(), decay=config.update_decay, power=config.update_power, seed=config.seed)
        super().__init__(config, WeightSettings(**{name: getattr(config, name) for name in names}), ramp)

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns a mask that keeps everything at first."""
        sparsity = settings.aim if settings.final_sparsity is None else settings.final_sparsity
        by_alpha = settings.alpha is not None and settings.final_sparsity is None
        return [
            SurgeryMask(
                TopK(1.0 if by_alpha else _density(sparsity)),
                rule=self.config.backward,
                alpha=settings.alpha if by_alpha else None,
                on_factor=self.config.on_factor,
                off_factor=self.config.off_factor,
            )
        ]

    def update(self, step: int) -> None:
        """Makes the masks of a due step; at the last, exactly as sparse as asked for."""
        super().update(step)
        if step != self.ramp.last_step:
            return
        for layer, path, mask in self._mine(self.model, SurgeryMask):
            exact = self._settings(layer, path).final_sparsity
            if exact is not None:
                mask.keep_exactly(layer.seen_weight(path, before=mask), _density(exact))

    def _assign(self, masks: list[tuple[Compressed, str, Mask]], sparsity: float) -> None:
        for layer, path, mask in masks:
            if isinstance(mask, SurgeryMask):
                self._splice(layer.seen_weight(path, before=mask), mask, self._settings(layer, path), sparsity)

    def _splice(self, w: Any, mask: SurgeryMask, settings: WeightSettings, progress: float) -> None:
        if settings.alpha is None:
            mask.splice_to(w, self.config.density(settings.aim, progress))
        else:
            initial = settings.alpha if settings.initial_alpha is None else settings.initial_alpha
            mask.splice(w, initial + (settings.alpha - initial) * progress / WHOLE)

    def _settings(self, layer: Compressed, path: str) -> WeightSettings:
        return self._rules.of(layer.layer, path) or self.settings


def _density(sparsity: float) -> float:
    """Returns 1 - sparsity as it is written: 0.1 and not 0.09999999999999998."""
    return round(1.0 - sparsity, 12)
