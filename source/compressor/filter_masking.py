"""Prunes whole filters, or whole spatial kernels of convolutions, a few at a time while the model trains."""

import math
from typing import Literal, cast

import keras
from keras import ops

from source.compressor import _channel_flow
from source.compressor._scheduled_masks import ScheduledMasks, ScheduleSettings
from source.compressor.compressor import Calibration
from source.compressor.report import Report
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.layer.transformation import Tensor, Transformation
from source.sparsity import score
from source.sparsity.base import GroupPattern
from source.sparsity.global_mask import global_masks
from source.sparsity.pattern import Channel, Kernel, TopK
from source.sparsity.ramp import Cyclic
from source.surgery.rewrite import refuse_other_models


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        sparsity: share of filters, or kernels, that are zero at the end, in (0, 1); with scope "global" that of all
            weights together, so that rules can only skip.
    """

    sparsity: float = 0.5

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "between 0 and 1", self.sparsity)


@settings
class Config(CompressorConfig, ScheduleSettings, WeightSettings):
    """Settings of filter masking.

    Attributes:
        granularity: "filter", all that makes one output channel; or "kernel", the spatial kernel between one input and
            one output channel of a convolution.
        score: what is least: "l1", mean |w| of the group; "l2", the root of its mean square; "batch_norm", the scale of
            the batch normalization that follows, for filters; "random".
        scope: "layer", each weight loses its share, or "global", the least of all groups go, wherever they are.
        least_density: with scope "global", the share of its groups that every weight keeps at least.
        backward: how gradients pass: "masked", not to pruned groups; "ste", to all, so that they may come back;
            "sr_ste", to all, and pruned ones decay.
        seed: of score "random".
    """

    granularity: Literal["filter", "kernel"] = "filter"
    score: Literal["l1", "l2", "batch_norm", "random"] = "l1"
    scope: Literal["layer", "global"] = "layer"
    least_density: float = 0.0
    backward: Literal["masked", "ste", "sr_ste"] = "masked"
    seed: int = 0

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        is_global = self.scope == "global"
        only_skips = not any(isinstance(rule.get("do"), dict) for rule in self.rules)
        require(0 <= self.least_density < 1, "least_density", "at least 0 and below 1", self.least_density)
        require(is_global or not self.least_density, "least_density", "0 when scope is layer", self.least_density)
        require(not is_global or only_skips, "rules", 'such that they only skip when scope="global"', self.rules)
        require(
            self.score != "batch_norm" or self.granularity == "filter",
            "granularity",
            '"filter" when score="batch_norm"',
            self.granularity,
        )
        require(0 <= self.initial_sparsity < 1, "initial_sparsity", "at least 0 and below 1", self.initial_sparsity)
        self.progress()


def build(config: Config) -> "FilterMasking":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return FilterMasking(config)


class FilterMasking(ScheduledMasks):
    """Masks that keep the groups of the highest scores, exactly as many as the schedule says.

    Li et al.: Pruning filters for efficient ConvNets, 2017, https://arxiv.org/abs/1608.08710; batch normalization: Liu
    et al.: Learning efficient convolutional networks through network slimming, 2017, https://arxiv.org/abs/1708.06519
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, WeightSettings(sparsity=config.sparsity), config.progress())
        self._last: set[str] = set()
        self._normalizations: dict[str, keras.layers.BatchNormalization] = {}

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is."""
        refuse_other_models(model)
        self._look_at(model)
        prepared = super().prepare(model, calibration)
        self._look_at(prepared)
        return prepared

    def attach(self, model: keras.Model, total_steps: int | None = None) -> None:
        """Takes up a model that `prepare` returned, here or before it was saved."""
        super().attach(model, total_steps)
        self._look_at(model)

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight, and what was not compressed and why."""
        self._look_at(model)
        return super().report(model)

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns a mask that keeps everything at first."""
        return [Mask(self._pattern(layer, path, settings), rule=self.config.backward)]

    def refusal(
        self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: WeightSettings
    ) -> str | None:
        """Returns why a weight is left alone: also where it has no filters, or they are the outputs of the model.

        A rule that names a weight by `weight` has such filters masked too.
        """
        general = super().refusal(layer, path, variable, settings)
        if general is not None:
            return general
        if self.config.granularity == "kernel" and not weight_paths.is_convolution(layer):
            return "is no kernel of a convolution"
        pattern = self._pattern(layer, path, settings)
        try:
            pattern.check(variable.shape, "its shape")
        except ConfigError as error:
            return f"does not suit: {str(error).removesuffix('.')}"
        if self.config.scope == "layer" and not pattern.kept(variable.shape):
            return f"would keep none of its {pattern.groups(variable.shape)} groups: `{pattern}`"
        if self.config.score == "batch_norm" and self._scales(layer.name) is None:
            return "is followed by no batch normalization with a scale"
        allowed = self.config.granularity == "kernel" or self._rules.naming(layer, path)
        return None if allowed else self._without_filters(layer)

    def _without_filters(self, layer: keras.layers.Layer) -> str | None:
        dense = isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense))
        if not dense and not weight_paths.is_convolution(layer):
            return f"is a weight of {type(layer).__name__}, which has no filters"
        return "makes outputs of the model" if layer.name in self._last else None

    def _look_at(self, model: keras.Model) -> None:
        if self.config.granularity == "filter":
            self._last = _channel_flow.last_layers(model)
        if self.config.score == "batch_norm":
            self._normalizations = _channel_flow.normalizations(model)

    def _pattern(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> GroupPattern:
        density = round(1.0 - settings.sparsity, 12)
        if self.config.granularity == "kernel":
            return Kernel(density)
        return Channel(density, weight_paths.channel_axis(layer, path))

    def _scales(self, name: str) -> keras.Variable | None:
        normalization = self._normalizations.get(name)
        return normalization.gamma if normalization is not None and normalization.scale else None

    def _assign(self, masks: list[tuple[Compressed, str, Mask]], sparsity: float) -> None:
        grouped = [(mask, pattern) for _, _, mask in masks if isinstance(pattern := mask.pattern, GroupPattern)]
        scores = [self._score(index, *each) for index, each in enumerate(masks)]
        if self.config.scope == "global":
            density = self.config.density(self.config.sparsity, sparsity)
            kept = global_masks(scores, density, self.config.least_density or None)
        else:
            densities = [self.config.density(1.0 - pattern.density, sparsity) for _, pattern in grouped]
            kept = [TopK(1.0).mask(*each) for each in zip(scores, densities, strict=True)]
        for (mask, pattern), chosen in zip(grouped, kept, strict=True):
            mask.kept.assign(pattern.expand(chosen, mask.kept.shape))

    def _score(self, index: int, layer: Compressed, path: str, mask: Mask) -> Tensor:
        """Returns a score for each group: means, so that groups of all sizes compare; -1 for what stays pruned."""
        pattern = cast(GroupPattern, mask.pattern)
        groups = pattern.groups(mask.kept.shape)
        magnitude = ops.abs(layer.seen_weight(path, before=mask))
        if self.config.score == "random":
            found = score.random((groups,), self.config.seed + index)
        elif self.config.score == "batch_norm":
            found = ops.abs(ops.convert_to_tensor(self._scales(layer.name)))
        elif self.config.score == "l2":
            found = ops.sqrt(pattern.group_scores(ops.square(magnitude)) * groups / math.prod(mask.kept.shape))
        else:
            found = pattern.group_scores(magnitude) * groups / math.prod(mask.kept.shape)
        if mask.rule != "masked" or isinstance(self.ramp, Cyclic):
            return found
        alive = pattern.group_scores(ops.cast(ops.convert_to_tensor(mask.kept), "float32")) > 0
        return ops.where(alive, found, -1.0)
