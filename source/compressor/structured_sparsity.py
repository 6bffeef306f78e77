"""Prunes in patterns that hardware can use: N of every M weights, whole blocks, whole kernels."""

import dataclasses
import re
from typing import Literal

import keras

from source.compressor._scheduled_masks import ScheduledMasks, ScheduleSettings
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError, EspalierError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.compressed import Compressed
from source.layer.mask import Mask
from source.layer.transformation import Transformation
from source.sparsity.base import GroupPattern, Pattern
from source.sparsity.grammar import sparsity_pattern
from source.sparsity.pattern import Block, Kernel, NOfM

# What a pattern without a comma leaves open is the axis, but for the names that say it by letters.
_OPEN = re.compile(r"[^,]*\d:\d[^,]*")


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        pattern: "2:4", two of every four weights along the axis that products are summed over; "2:4,-1", along
            another; "BLOCK{0.25,4x4}", a quarter of the blocks of 4 x 4; "KERNEL{0.25}", a quarter of the spatial
            kernels of convolutions.
    """

    pattern: str = "2:4"

    def __post_init__(self) -> None:
        try:
            found = sparsity_pattern(self.pattern)
        except EspalierError as error:
            raise ValueError(f"`pattern`: {error}") from None
        kinds = "N:M, a BLOCK or a KERNEL"
        require(isinstance(found, (NOfM, Block, Kernel)), "pattern", kinds, self.pattern)
        require(found.density < 1, "pattern", "one that leaves something out", self.pattern)


@settings
class Config(CompressorConfig, ScheduleSettings, WeightSettings):
    """Settings of structured sparsity.

    N of M have no ramp: the first mask is the whole pattern. Blocks and kernels follow the schedule, from
    `initial_sparsity` to what their pattern leaves out.

    Attributes:
        mode: "stored", masks are made at the steps of the schedule and then stay; "sr_ste", the mask is that of the
            weights in every call, from the first on, and there is no schedule.
        backward: how gradients pass in mode "stored": "sr_ste", to all weights, and pruned ones decay, so that the
            next mask can be another; "ste", without decay; "masked", not to pruned weights, which then stay pruned.
        decay: of pruned weights by "sr_ste", not negative: added to the gradient, times the weight.
    """

    mode: Literal["stored", "sr_ste"] = "stored"
    backward: Literal["sr_ste", "ste", "masked"] = "sr_ste"
    decay: float = 2e-4

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        require(self.decay >= 0, "decay", "at least 0", self.decay)
        require(0 <= self.initial_sparsity < 1, "initial_sparsity", "at least 0 and below 1", self.initial_sparsity)
        require(
            self.mode == "stored" or self.backward == "sr_ste", "backward", '"sr_ste" in mode "sr_ste"', self.backward
        )
        fields = dataclasses.fields(ScheduleSettings)
        unused = [field.name for field in fields if getattr(self, field.name) != field.default]
        require(
            self.mode == "stored" or not unused, "mode", f'"stored" for a schedule ({", ".join(unused)})', self.mode
        )
        self.progress()


def build(config: Config) -> "StructuredSparsity":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return StructuredSparsity(config)


class StructuredSparsity(ScheduledMasks):
    """Masks that keep the groups, or in each group the entries, of the largest magnitude, exactly as many as asked for.

    Mishra et al.: Accelerating sparse deep neural networks, 2021, https://arxiv.org/abs/2104.08378; SR-STE: Zhou et
    al.: Learning N:M fine-grained structured sparse neural networks from scratch, 2021,
    https://arxiv.org/abs/2102.04010
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, WeightSettings(pattern=config.pattern), config.progress())

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns a mask: that of the weights at each call, or one that keeps everything at first."""
        pattern = _pattern(layer, path, settings)
        if self.config.mode == "sr_ste":
            return [Mask(pattern, rule="sr_ste", refresh="every_call", decay=self.config.decay)]
        return [Mask(pattern, rule=self.config.backward, decay=self.config.decay)]

    def refusal(
        self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: WeightSettings
    ) -> str | None:
        """Returns why a weight is left alone: also for a shape that the pattern does not suit.

        A rule that names a weight by `weight` has a last, shorter group of N of M filled up.
        """
        general = super().refusal(layer, path, variable, settings)
        if general is not None:
            return general
        pattern = _pattern(layer, path, settings)
        if isinstance(pattern, Kernel) and not weight_paths.is_convolution(layer):
            return "is no kernel of a convolution"
        try:
            pattern.check(variable.shape, "its shape")
        except ConfigError as error:
            return f"does not suit: {str(error).removesuffix('.')}"
        if not pattern.kept(variable.shape):
            return f"would keep nothing: `{pattern}` of {' x '.join(map(str, variable.shape))}"
        if isinstance(pattern, NOfM) and not self._rules.naming(layer, path):
            return _unsuited(layer, path, tuple(variable.shape), pattern)
        return None

    def next_update(self, step: int) -> int | None:
        """Returns the next step at which masks are made; none where every call makes its own."""
        return super().next_update(step) if self.config.mode == "stored" else None

    def update(self, step: int) -> None:
        """Makes the masks of a due step, if masks are stored."""
        if self.config.mode == "stored":
            super().update(step)

    def _assign(self, masks: list[tuple[Compressed, str, Mask]], sparsity: float) -> None:
        for layer, path, mask in masks:
            has_ramp = isinstance(mask.pattern, GroupPattern)
            density = self.config.density(1.0 - mask.pattern.density, sparsity) if has_ramp else None
            mask.kept.assign(mask.pattern.mask(self._scores(layer, path, mask), density))


def _pattern(layer: keras.layers.Layer, path: str, settings: WeightSettings) -> Pattern:
    """Returns the pattern of a weight, along the axis that its products are summed over unless an axis is given."""
    pattern = sparsity_pattern(settings.pattern)
    if isinstance(pattern, NOfM) and _OPEN.fullmatch(settings.pattern):
        return NOfM(pattern.keep, pattern.of, weight_paths.block_axis(layer, path))
    return pattern


def _unsuited(layer: keras.layers.Layer, path: str, shape: tuple[int, ...], pattern: NOfM) -> str | None:
    if path.endswith("kernel") and weight_paths.channel_axis(layer, path) == pattern.axis == -2:
        return f"is a depthwise kernel, whose products are not summed over axis {pattern.axis}"
    length = shape[pattern.axis]
    if length % pattern.of:
        return f"has {length} entries along axis {pattern.axis}, no multiple of {pattern.of}"
    return None
