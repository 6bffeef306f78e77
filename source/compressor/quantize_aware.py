"""Trains a model with weights, activations and gradients rounded to number formats, so that it learns to do so."""

from typing import Literal

import keras

from source.compressor import _calibration
from source.compressor._quantization_points import QuantizationPoints
from source.compressor._quantizer import INTEGER, Quantizer, calibrated, check_formats
from source.compressor.compressor import Calibration
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import compressed_layers
from source.layer.fake_quantize import FakeQuantize
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from source.layer.trained_ternary import TrainedTernary
from source.layer.transformation import Transformation


@settings
class LayerSettings:
    """What a rule may set.

    Attributes:
        weights: number format of kernels and tables; None leaves them.
        activations: number format of outputs, after the activation; None leaves them. Integers such as "uint8" or
            "int8" have ranges of their own for each tensor; other formats work on the tensor at hand.
        inputs: number format of what enters a layer from an input of the model; "same" takes `activations`.
        gradients: number format of the gradients of outputs on their way back; None leaves them.
        weight_ranges: "largest", scales follow the numbers at hand, that of integers the largest magnitude;
            "learned_step", the scale of integers is trained; "learned_scale", both numbers of "ternary" are, with
            "ternary<channel>" for each channel.
        activation_ranges: "average", limits of integers follow the batches; "learned_step", their step is trained, and
            "learned_limit", their upper limit is.
    """

    weights: str | None = "int8<channel>"
    activations: str | None = "uint8"
    inputs: str | None = "same"
    gradients: str | None = None
    weight_ranges: Literal["largest", "learned_step", "learned_scale"] = "largest"
    activation_ranges: Literal["average", "learned_step", "learned_limit"] = "average"

    def __post_init__(self) -> None:
        check_formats(self, "weights", "activations", "inputs", "gradients")
        learned = self.weight_ranges == "learned_step" and self.weights is not None
        require(
            not learned or INTEGER.fullmatch(self.weights or "") is not None,
            "weights",
            "integers when ranges are learned",
            self.weights,
        )
        learned = self.weight_ranges == "learned_scale" and self.weights is not None
        require(
            not learned or self.weights in ("ternary", "ternary<channel>"),
            "weights",
            '"ternary" or "ternary<channel>" when scales are learned',
            self.weights,
        )
        learned = self.activation_ranges != "average" and self.activations is not None
        integer = INTEGER.fullmatch(self.activations or "")
        require(not learned or integer is not None, "activations", "integers when ranges are learned", self.activations)


@settings
class Config(CompressorConfig, LayerSettings):
    """Settings of quantization-aware training.

    Attributes:
        fold_batch_norm: round kernels as they are when the batch normalization after them is folded in, and fold it at
            the end.
        momentum: of the averages of activation limits, in [0, 1).
        freeze_step: step from which limits of activations, and statistics of folded batch normalization, stay as they
            are; None lets them follow to the end.
    """

    fold_batch_norm: bool = True
    momentum: float = 0.99
    freeze_step: int | None = None

    def __post_init__(self) -> None:
        LayerSettings.__post_init__(self)
        require(0 <= self.momentum < 1, "momentum", "at least 0 and below 1", self.momentum)
        require(self.freeze_step is None or self.freeze_step >= 0, "freeze_step", "at least 0", self.freeze_step)


def build(config: Config) -> "QuantizeAware":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return QuantizeAware(config)


class QuantizeAware(Quantizer):
    """Rounding in the forward pass, straight through in the backward pass.

    Jacob et al.: Quantization and training of neural networks for efficient integer-arithmetic-only inference, 2018,
    https://arxiv.org/abs/1712.05877. What a device computes in one go is rounded once: a convolution, the batch
    normalization and the activation after it; an addition and its activation.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        fields = LayerSettings.__dataclass_fields__
        super().__init__(config, LayerSettings(**{name: getattr(config, name) for name in fields}))

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must see inputs: where ranges of activations are trained, they must begin somewhere."""
        return self._rules.values("activations") != {None} and self._rules.values("activation_ranges") != {"average"}

    def chain(self, layer: keras.layers.Layer, path: str, settings: LayerSettings) -> list[Transformation]:
        """Returns the rounding of a weight."""
        if settings.weights is None or settings.weight_ranges == "largest":
            return super().chain(layer, path, settings)
        by_channel = settings.weights.endswith("<channel>")
        axis = weight_paths.channel_axis(layer, path) if by_channel else None
        if settings.weight_ranges == "learned_scale":
            return [self._made(TrainedTernary(axis=axis))]
        return [self._made(LearnedStep(_width(settings.weights), signed=True, axis=axis))]

    def activation(self, settings: LayerSettings, text: str, positive: bool) -> Transformation:
        """Returns the rounding of one tensor of activations, in training."""
        following = calibrated(text, positive, self.config.momentum)
        if following is None:
            return self._made(FakeQuantize(text, axis=-1))
        if settings.activation_ranges == "average":
            return self._made(following)
        kind = LearnedStep if settings.activation_ranges == "learned_step" else LearnedLimit
        return self._made(kind(following.width, signed=not positive))

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that rounds; the model itself stays as it is."""
        self._check(model)
        if self.needs_calibration and calibration is None:
            learned = min(self._rules.values("activation_ranges") - {"average"})
            raise ConfigError(
                f"{self.name}: activation_ranges={learned!r} are trained from where the data is. "
                "Give some inputs of the model: `prepare(model, calibration=images)`."
            )
        prepared = self._rounded(model, QuantizationPoints(model, self.config.fold_batch_norm))
        if calibration is not None:
            self._calibrate_activations(prepared, calibration)
        self._model = prepared
        return prepared

    def next_update(self, step: int) -> int | None:
        """Returns the step at which statistics are frozen, as long as it is ahead."""
        freeze = self.config.freeze_step
        return freeze if freeze is not None and step < freeze else None

    def update(self, step: int) -> None:
        """Freezes limits of activations and statistics of batch normalization from `freeze_step` on."""
        if self.config.freeze_step is None or step < self.config.freeze_step:
            return
        for _, each in _calibration.of_activations(self.model):
            if isinstance(each, CalibratedQuantize) and each.owner == self.name:
                each.freeze()
        for layer in compressed_layers(self.model):
            if isinstance(layer.layer, BatchNormalized):
                layer.layer.frozen.assign(1.0)


def _width(text: str) -> int:
    found = INTEGER.fullmatch(text)
    return int(found[2]) if found else 0
