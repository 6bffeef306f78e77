"""What compressors share that round: which numbers of a model pass through which rounding, and how it is put there."""

import abc
import re
from collections.abc import Callable
from typing import Any

import keras

from source.compressor import _calibration, _folding
from source.compressor._quantization_points import QuantizationPoints, is_positive
from source.compressor.compressor import Calibration
from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig
from source.config.errors import ConfigError, EspalierError
from source.layer import weight_paths
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import compressed_layers
from source.layer.fake_quantize import FakeQuantize, RoundGradient
from source.layer.transformation import Transformation
from source.numeric.format import NumberFormat
from source.numeric.grammar import number_format
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite
from source.surgery.wrap import inside, wrapped

# Integers: without sign or with it, of which width, and whether channels have scales of their own.
INTEGER = re.compile(r"(u?)int(\d+)(<channel>)?")


class Quantizer(WeightCompressor):
    """A compressor that rounds weights, and once what a device computes in one go.

    That is a convolution, the batch normalization and the activation after it; an addition and its activation. The
    settings that a rule may set have at least `weights`, `activations` and `inputs`.
    """

    def __init__(self, config: CompressorConfig, settings: Any) -> None:
        super().__init__(config, settings)
        self._new: list[Transformation] = []

    @abc.abstractmethod
    def activation(self, settings: Any, text: str, positive: bool) -> Transformation:
        """Returns the rounding of one tensor of activations.

        Args:
            settings: of its layer, after the rules.
            text: name of the format.
            positive: whether its numbers are known to be at least 0.
        """

    def chain(self, layer: keras.layers.Layer, path: str, settings: Any) -> list[Transformation]:
        """Returns the rounding of a weight."""
        if settings.weights is None:
            return []
        format = number_format(settings.weights)
        return [FakeQuantize(format, axis=scale_axis(format, layer, path))]

    def refusal(self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: Any) -> str | None:
        """Returns why a weight is left alone."""
        return (
            "is left as it is by `weights`"
            if settings.weights is None
            else super().refusal(layer, path, variable, settings)
        )

    def check_finished(self, model: keras.Model) -> None:
        """Refuses a model whose activations have no limits yet."""
        for place, each in _calibration.of_activations(model):
            if isinstance(each, CalibratedQuantize) and not float(keras.ops.convert_to_numpy(each.known)):
                raise ConfigError(
                    f"{self.name}: nothing has been seen at `{place}`, so its limits are not known. Train the model, "
                    "or give inputs to `prepare(model, calibration=...)`."
                )

    def _check(self, model: keras.Model) -> None:
        """Refuses a model that cannot be rewritten, and rules that match nothing in it."""
        refuse_other_models(model)
        self._rules.check_all_match((inside(layer), weight_paths.of(inside(layer))) for layer in layers_of(model))

    def _rounded(self, model: keras.Model, points: QuantizationPoints) -> keras.Model:
        """Returns a copy of a model that rounds its weights, and activations at the given points."""
        self._new = []
        rounded = rewrite(model, lambda operation: self._replacement(operation, points), operations=True)
        if not self.owns(rounded):
            raise ConfigError(
                f"{self.name}: nothing of model `{rounded.name}` is rounded: `weights` and `activations` are None, or "
                "every layer is skipped by a rule."
            )
        self._calibrate_weights(rounded)
        return rounded

    def _calibrate_activations(self, prepared: keras.Model, calibration: Calibration) -> None:
        activations = [each for _, each in _calibration.of_activations(prepared) if each in self._new]
        _calibration.calibrate(prepared, calibration, activations)

    def _replacement(self, operation: Any, points: QuantizationPoints) -> Callable[..., Any] | None:
        if id(operation) in points.absorbed:
            return _folding.pass_on
        if not isinstance(operation, keras.layers.Layer):
            return self._rounded_operation(operation, points)
        bare = inside(operation)
        chains = {path: self._owned(self.chain(bare, path, each)) for path, each in self._chosen(bare)}
        inputs, follower = self._input_chains(operation, points), points.folded.get(id(operation))
        outputs = self._output_chain(bare, points.outputs.get(id(operation if follower is None else follower)))
        if follower is not None:
            return _folding.folded(operation, follower, chains, inputs, outputs)
        return (
            wrapped(operation, weights=chains, inputs=inputs, outputs=outputs) if chains or inputs or outputs else None
        )

    def _rounded_operation(self, operation: Any, points: QuantizationPoints) -> Callable[..., Any] | None:
        """Returns an operation that is no layer with a rounding layer after it."""
        settings = self.settings
        if id(operation) not in points.outputs or settings.activations is None:
            return None
        copied = type(operation).from_config(operation.get_config())
        quantize = self.activation(settings, settings.activations, is_positive(operation))
        quantize.name = f"{operation.name}_quantize"
        return lambda *args, **kwargs: quantize(copied(*args, **kwargs))

    def _output_chain(self, layer: keras.layers.Layer, positive: bool | None) -> list[Transformation]:
        """Returns what an output is seen through; nothing where `positive` is None, because it is not rounded."""
        settings = self._rules.of(layer)
        if settings is None or positive is None:
            return []
        gradients = getattr(settings, "gradients", None)
        chain = [self._made(RoundGradient(gradients))] if gradients is not None else []
        if settings.activations is not None:
            chain.append(self.activation(settings, settings.activations, positive))
        return chain

    def _input_chains(self, layer: keras.layers.Layer, points: QuantizationPoints) -> list[list[Transformation]]:
        settings = self._rules.of(inside(layer))
        if settings is None or id(layer) not in points.inputs:
            return []
        text = settings.activations if settings.inputs == "same" else settings.inputs
        tensors = [x for x in keras.tree.flatten(layer.input) if keras.backend.is_float_dtype(x.dtype)]
        return [[self.activation(settings, text, positive=False)] for _ in tensors] if text is not None else []

    def _made(self, transformation: Transformation) -> Transformation:
        transformation.owner = self.name
        self._new.append(transformation)
        return transformation

    def _calibrate_weights(self, model: keras.Model) -> None:
        for layer in compressed_layers(model):
            for path, chain in layer.weight_chains.items():
                for each in chain:
                    if each in self._new:
                        each.calibrate(keras.ops.convert_to_numpy(layer.seen_weight(path, before=each)))


def scale_axis(format: NumberFormat, layer: keras.layers.Layer, path: str) -> int:
    """Returns the axis of a weight that a format is told: of the channels where they share a scale, else of blocks."""
    return (weight_paths.channel_axis if format.sharing == "channel" else weight_paths.block_axis)(layer, path)


def calibrated(text: str, positive: bool, momentum: float = 0.99) -> CalibratedQuantize | None:
    """Returns the rounding of activations to integers of one range for the tensor; None where `text` means another.

    Args:
        text: name of a format.
        positive: whether numbers are known to be at least 0.
        momentum: of the averages of limits.
    """
    integer = INTEGER.fullmatch(text)
    if integer is None or integer[3]:
        return None
    return CalibratedQuantize(int(integer[2]), symmetric=not integer[1], positive=positive, momentum=momentum)


def check_formats(settings: Any, *names: str) -> None:
    """Refuses settings that name no number format.

    Args:
        settings: with these fields, each a name or None; "same" is allowed for `inputs`.
        names: of the fields.

    Raises:
        ValueError: with the field and what `number_format` says, for the class of the settings to report.
    """
    for name in names:
        text = getattr(settings, name)
        if text is None or (name, text) == ("inputs", "same"):
            continue
        try:
            number_format(text)
        except EspalierError as error:
            raise ValueError(f"`{name}`: {error}") from None
