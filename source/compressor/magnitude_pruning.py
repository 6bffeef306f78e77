"""Prunes the weights that matter least, a few at a time while the model trains."""

from collections.abc import Sequence
from typing import Literal

import keras
from keras import ops

from source.compressor._calibration import calibrate
from source.compressor._scheduled_masks import ScheduledMasks, ScheduleSettings
from source.compressor.compressor import Calibration
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.compressed import Chain, Compressed
from source.layer.mask import Mask
from source.layer.observe import Observe
from source.layer.transformation import Tensor, Transformation
from source.sparsity import score
from source.sparsity.backward import Rule
from source.sparsity.global_mask import global_masks
from source.sparsity.pattern import TopK

_TRAINED: dict[str, Rule] = {"movement": "joint", "supermask": "supermask"}


@settings
class WeightSettings:
    """What a rule may set.

    Attributes:
        sparsity: share of zeros at the end, in (0, 1); with scope "global" that of all weights together, so that rules
            can only skip.
    """

    sparsity: float = 0.8

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "between 0 and 1", self.sparsity)


@settings
class Config(CompressorConfig, ScheduleSettings, WeightSettings):
    """Settings of magnitude pruning.

    Attributes:
        scope: "layer", each weight gets its sparsity, or "global", the least of all weights go, wherever they are.
        least_density: with scope "global", the share that every weight keeps at least.
        score: what is least: "magnitude", |w|; "wanda", |w| times how large the input is that it is multiplied with,
            seen in `calibration` and in training; "random"; "movement", scores that fall as weights move towards
            zero, or "supermask", scores that train while weights stay, both trained by the optimizer.
        backward: how gradients pass: "masked", not to pruned weights; "ste", to all, so that they may come back;
            "sr_ste", to all, and pruned ones decay.
        seed: of score "random".
    """

    scope: Literal["layer", "global"] = "layer"
    least_density: float = 0.0
    score: Literal["magnitude", "wanda", "random", "movement", "supermask"] = "magnitude"
    backward: Literal["masked", "ste", "sr_ste"] = "masked"
    seed: int = 0

    def __post_init__(self) -> None:
        WeightSettings.__post_init__(self)
        require(0 <= self.least_density < 1, "least_density", "at least 0 and below 1", self.least_density)
        require(
            self.scope == "layer" or not any(isinstance(rule.get("do"), dict) for rule in self.rules),
            "rules",
            'such that they only skip when scope="global"',
            self.rules,
        )
        require(
            self.scope == "global" or not self.least_density,
            "least_density",
            "0 when scope is layer",
            self.least_density,
        )
        self.ramp(self.sparsity)


def build(config: Config) -> "MagnitudePruning":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return MagnitudePruning(config)


class MagnitudePruning(ScheduledMasks):
    """Masks that keep the weights of the highest scores, exactly as many as the ramp says.

    Zhu, Gupta: To prune, or not to prune, 2017, https://arxiv.org/abs/1710.01878; movement: Sanh et al., 2020,
    https://arxiv.org/abs/2005.07683; wanda: Sun et al., 2023, https://arxiv.org/abs/2306.11695, there among the entries
    of one output, here among all of a weight.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, WeightSettings(sparsity=config.sparsity), config.ramp(config.sparsity))

    def chain(self, layer: keras.layers.Layer, path: str, settings: WeightSettings) -> list[Transformation]:
        """Returns a mask that keeps everything at first."""
        rule = _TRAINED.get(self.config.score, self.config.backward)
        pattern = TopK(round(1.0 - settings.sparsity, 12))
        return [Mask(pattern, rule=rule, learned_scores=self.config.score in _TRAINED)]

    def input_chains(self, layer: keras.layers.Layer) -> Sequence[Chain]:
        """Returns what watches the inputs, where the score needs it."""
        if self.config.score != "wanda":
            return ()
        first = getattr(layer, "data_format", None) == "channels_first"
        return [[Observe(axis=1 if first else -1)]]

    def refusal(
        self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: WeightSettings
    ) -> str | None:
        """Returns why a weight is left alone: also where no input is known that the score could look at."""
        general = super().refusal(layer, path, variable, settings)
        if general is None and self.config.score == "wanda" and not _has_one_input(layer, path):
            return "is multiplied with other numbers than the inputs of its layer, which score wanda looks at"
        return general

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with masks that keep everything at first; the model itself stays as it is."""
        if self.config.score == "wanda" and calibration is None and self.config.begin_step == 0:
            raise ConfigError(
                f"{self.name}: score wanda has to see inputs before the first mask is made. Give "
                "`prepare(model, calibration=inputs)`, or begin later. Received: begin_step=0."
            )
        prepared = super().prepare(model, calibration)
        if self.config.score == "wanda" and calibration is not None:
            calibrate(prepared, calibration, [each for _, _, each in self._mine(prepared, Observe)])
        return prepared

    def _assign(self, masks: list[tuple[Compressed, str, Mask]], sparsity: float) -> None:
        scores = [self._score(index, *each) for index, each in enumerate(masks)]
        if self.config.scope == "global":
            kept = global_masks(scores, round(1.0 - sparsity, 12), self.config.least_density or None)
        else:
            share = sparsity / self.config.sparsity
            kept = [
                mask.pattern.mask(score, round(1.0 - share * (1.0 - mask.pattern.density), 12))
                for score, (_, _, mask) in zip(scores, masks, strict=True)
            ]
        for (_, _, mask), chosen in zip(masks, kept, strict=True):
            mask.kept.assign(chosen)

    def _score(self, index: int, layer: Compressed, path: str, mask: Mask) -> Tensor:
        if self.config.score in _TRAINED:
            return ops.convert_to_tensor(mask.scores)
        if self.config.score == "random":
            return score.random(tuple(mask.kept.shape), self.config.seed + index)
        magnitude = self._scores(layer, path, mask)
        if self.config.score == "magnitude":
            return magnitude
        [observed] = [each for each in layer.input_chains[0] if isinstance(each, Observe)]
        if not float(ops.convert_to_numpy(observed.rows)):
            raise ConfigError(
                f"{self.name}: layer `{layer.name}` has seen no inputs yet, which score wanda looks at. Train before "
                "the first mask is made, or give `prepare(model, calibration=inputs)`."
            )
        return score.wanda(magnitude, observed.norms(), weight_paths.block_axis(layer.layer, path))


def _has_one_input(layer: keras.layers.Layer, path: str) -> bool:
    """Returns whether every entry of a weight along its block axis meets one input feature."""
    kinds = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
    transposed = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
    return path == "kernel" and isinstance(layer, (*kinds, *transposed)) and getattr(layer, "groups", 1) == 1
