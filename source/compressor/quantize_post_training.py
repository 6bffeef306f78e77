"""Rounds the weights and activations of a trained model to number formats, without training."""

from typing import Literal

import keras

from source.compressor._bias_correction import correct_biases
from source.compressor._equalization import equalize
from source.compressor._folding import folded_away
from source.compressor._observers import ObserverName, observer
from source.compressor._quantization_points import QuantizationPoints
from source.compressor._quantizer import INTEGER, Quantizer, calibrated, check_formats, scale_axis
from source.compressor.compressor import Calibration
from source.compressor.report import Report
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.clipped_quantize import ClippedQuantize
from source.layer.fake_quantize import FakeQuantize
from source.layer.transformation import Transformation
from source.numeric.grammar import number_format


@settings
class LayerSettings:
    """What a rule may set.

    Attributes:
        weights: number format of kernels and tables; None leaves them.
        activations: number format of outputs, after the activation; None leaves them. Integers such as "uint8" or
            "int8" get limits from the calibration inputs; other formats work on the tensor at hand.
        inputs: number format of what enters a layer from an input of the model; "same" takes `activations`.
        weight_ranges: "largest", nothing is cut off weights, or "least_error", so much that they are rounded with the
            least squared error.
        activation_ranges: what limits the calibration inputs give to integers: "min_max", the ends of all numbers;
            "moving_average", the averaged ends of the batches; "percentile"; "least_error", least squared error;
            "kl", the distribution of the numbers changes least.
    """

    weights: str | None = "int8<channel>"
    activations: str | None = "uint8"
    inputs: str | None = "same"
    weight_ranges: Literal["largest", "least_error"] = "largest"
    activation_ranges: ObserverName = "min_max"

    def __post_init__(self) -> None:
        check_formats(self, "weights", "activations", "inputs")
        drawn = self.weights is not None and number_format(self.weights).rounding == "stochastic"
        require(
            not drawn or self.weight_ranges == "largest",
            "weights",
            "a format without stochastic rounding when errors are compared",
            self.weights,
        )


@settings
class Config(CompressorConfig, LayerSettings):
    """Settings of quantization after training.

    Attributes:
        fold_batch_norm: make batch normalization part of the layer before it.
        equalize: bring the channels between linear layers to like ranges first. It helps where all channels of a
            weight share a scale.
        bias_correction: subtract from biases what rounding adds to outputs on average; None does so where calibration
            inputs are given.
        momentum: of activation_ranges "moving_average", in [0, 1).
        percent: of activation_ranges "percentile", in (0, 100].
    """

    fold_batch_norm: bool = True
    equalize: bool = False
    bias_correction: bool | None = None
    momentum: float = 0.9
    percent: float = 99.99

    def __post_init__(self) -> None:
        LayerSettings.__post_init__(self)
        require(0 <= self.momentum < 1, "momentum", "at least 0 and below 1", self.momentum)
        require(0 < self.percent <= 100, "percent", "above 0 and at most 100", self.percent)


def build(config: Config) -> "QuantizePostTraining":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return QuantizePostTraining(config)


class QuantizePostTraining(Quantizer):
    """Rounding that is there as soon as `prepare` returns: `finish` may follow at once.

    What happens in `prepare`, in this order: batch normalization is folded in; channels are equalized; weights are
    rounded; inputs run through the model, and activations get their limits; biases are corrected. Krishnamoorthi:
    Quantizing deep convolutional networks for efficient inference, 2018, https://arxiv.org/abs/1806.08342, section 3.1.

    Attributes:
        equalized: names of the pairs of layers between which channels were equalized.
        corrected: names of the layers whose biases were corrected.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        fields = LayerSettings.__dataclass_fields__
        super().__init__(config, LayerSettings(**{name: getattr(config, name) for name in fields}))
        self.equalized: tuple[tuple[str, str], ...] = ()
        self.corrected: tuple[str, ...] = ()
        self._limited: list[tuple[CalibratedQuantize, ObserverName]] = []

    @property
    def needs_calibration(self) -> bool:
        """Whether `prepare` must see inputs: for limits of integers, and to correct biases."""
        done = [rule["do"] for rule in self.config.rules if isinstance(rule.get("do"), dict)]
        formats = [each.get(key) for each in (vars(self.settings), *done) for key in ("activations", "inputs")]
        return bool(self.config.bias_correction) or any(_has_limits(each) for each in formats)

    def chain(self, layer: keras.layers.Layer, path: str, settings: LayerSettings) -> list[Transformation]:
        """Returns the rounding of a weight."""
        if settings.weights is None or settings.weight_ranges == "largest":
            return super().chain(layer, path, settings)
        format = number_format(settings.weights)
        return [self._made(ClippedQuantize(format, axis=scale_axis(format, layer, path)))]

    def activation(self, settings: LayerSettings, text: str, positive: bool) -> Transformation:
        """Returns the rounding of one tensor of activations."""
        rounding = calibrated(text, positive)
        if rounding is None:
            return self._made(FakeQuantize(text, axis=-1))
        self._limited.append((rounding, settings.activation_ranges))
        return self._made(rounding)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that rounds, ready to be finished; the model itself stays as it is."""
        self._check(model)
        reference = folded_away(model, QuantizationPoints(model, self.config.fold_batch_norm))
        self.equalized = self._equalized(reference) if self.config.equalize else ()
        self._limited = []
        prepared = self._rounded(reference, QuantizationPoints(reference, fold=False))
        self._set_limits(prepared, calibration)
        self.corrected = self._corrected(prepared, reference, calibration)
        if self.corrected:
            self._set_limits(prepared, calibration)  # outputs are elsewhere now
        for each, _ in self._limited:
            each.freeze()
        self._model = prepared
        return prepared

    def report(self, model: keras.Model) -> Report:
        """Returns what is kept of each weight, and what was equalized and corrected if this compressor prepared it."""
        pairs = tuple(f"equalized: {first} and {second}" for first, second in self.equalized)
        biases = (f"bias corrected: {', '.join(self.corrected)}",) if self.corrected else ()
        return super().report(model).with_notes(*pairs, *biases)

    def _equalized(self, reference: keras.Model) -> tuple[tuple[str, str], ...]:
        pairs = equalize(reference)
        if not pairs:
            raise ConfigError(
                f"{self.name}: equalize: model `{reference.name}` has no two linear layers with nothing but ReLU, "
                "pooling and the like between them. Leave `equalize` out."
            )
        return pairs

    def _set_limits(self, prepared: keras.Model, calibration: Calibration) -> None:
        if self._limited and calibration is None:
            raise ConfigError(
                f"{self.name}: limits of `{self._limited[0][0].description}` activations come from data. Give some "
                "inputs of the model, `prepare(model, calibration=images)`, or round weights alone, `activations=None`."
            )
        for each, name in self._limited:
            each.observer = observer(name, each, self.config.momentum, self.config.percent)
        if calibration is not None:
            self._calibrate_activations(prepared, calibration)

    def _corrected(self, prepared: keras.Model, reference: keras.Model, calibration: Calibration) -> tuple[str, ...]:
        wanted = self.config.bias_correction
        if wanted and calibration is None:
            raise ConfigError(
                f"{self.name}: bias_correction compares outputs. Give some inputs of the model, "
                "`prepare(model, calibration=images)`."
            )
        if wanted is False or calibration is None:
            return ()
        return correct_biases(prepared, reference, calibration, self.name)


def _has_limits(text: str | None) -> bool:
    found = INTEGER.fullmatch(text or "")
    return found is not None and not found[3]
