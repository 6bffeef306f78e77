"""Rounds what enters, stands in and leaves each layer by itself, as devices of other number formats compute."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import keras
import pydantic

from source.compressor import _operators, rule_sets
from source.compressor._quantizer import check_formats, scale_axis
from source.compressor.compressor import Calibration
from source.compressor.rules import Rules
from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer import weight_paths
from source.layer.approximation.grammar import approximation
from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Compressed
from source.layer.fake_quantize import FakeQuantize, RoundGradient
from source.layer.transformation import Transformation
from source.numeric.grammar import number_format
from source.surgery.rewrite import refuse_other_models, rewrite
from source.surgery.wrap import inside, wrapped

# Names of approximations have commas in them, so that text is one name.
Approximations = Annotated[
    tuple[str, ...], pydantic.BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]
_FIELDS = ("inputs", "storage", "weights", "biases", "before_activation", "outputs", "gradients")


@settings
class LayerSettings:
    """What a rule may set: number formats, with the scales of the tensor at hand; None leaves the numbers.

    Attributes:
        inputs: of every tensor of floating point numbers that enters a layer; blocks lie along what is summed over.
        storage: of kernels and tables in memory, before `weights`.
        weights: of kernels and tables as they are multiplied.
        biases: of weights whose name has "bias" in it.
        before_activation: of sums with their bias, where a layer with weights has an activation.
        outputs: of what leaves a layer.
        gradients: of the gradient that comes back to what leaves a layer.
        operators: approximations that take the place of exact operators where a layer has them, such as
            "softmax<base2,float16>".
    """

    inputs: str | None = None
    storage: str | None = None
    weights: str | None = None
    biases: str | None = None
    before_activation: str | None = None
    outputs: str | None = None
    gradients: str | None = None
    operators: Approximations = ()

    def __post_init__(self) -> None:
        check_formats(self, *_FIELDS)
        for name in self.operators:
            approximation(name)


@settings
class Config(CompressorConfig, LayerSettings):
    """Settings of the formats of layers.

    Attributes:
        rule_set: name of a rule set, which has formats for each kind of layer; rules still change them. None takes the
            formats that are set here, for all layers alike.
    """

    rule_set: rule_sets.RuleSet | None = None

    def __post_init__(self) -> None:
        LayerSettings.__post_init__(self)
        given = self.operators or [name for name in _FIELDS if getattr(self, name) is not None]
        require(not (given and self.rule_set), "rule_set", "None where formats are named", self.rule_set)


def build(config: Config) -> "LayerFormats":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return LayerFormats(config)


class LayerFormats(WeightCompressor):
    """Rounds at every layer: inputs, then weights and bias, then the sum, then the output after the activation.

    Every layer and operation is rounded by itself, and nothing is folded; gradients pass straight through. So a network
    computes as on a device whose formats these are, up to the sums, which are taken in float32.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        given = LayerSettings(**{name: getattr(config, name) for name in (*_FIELDS, "operators")})
        super().__init__(config, given)
        if config.rule_set is not None:
            self._rules = _RulesOnSet(config.rule_set, config.rules)

    def chain(self, layer: keras.layers.Layer, path: str, settings: LayerSettings) -> list[Transformation]:
        """Returns the roundings of a weight."""
        if _is_bias(path):
            return [FakeQuantize(settings.biases or "SAME", axis=-1)]
        formats = [number_format(text) for text in (settings.storage, settings.weights) if text is not None]
        return [FakeQuantize(format, axis=scale_axis(format, layer, path)) for format in formats]

    def refusal(
        self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: LayerSettings
    ) -> str | None:
        """Returns why a weight is left alone."""
        if _is_bias(path):
            is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(variable.dtype))
            return None if is_float and settings.biases is not None else "is left as it is by `biases`"
        general = super().refusal(layer, path, variable, settings)
        left = settings.storage is None and settings.weights is None
        return general or ("is left as it is by `weights`" if left else None)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that rounds; the model itself stays as it is."""
        refuse_other_models(model)
        operations = _operators.operations_of(model)
        self._rules.check_all_match(
            (inside(each), weight_paths.of(inside(each)) if isinstance(each, keras.layers.Layer) else ())
            for each in operations
        )
        prepared = rewrite(model, self._replacement, operations=True)
        if not self.owns(prepared):
            raise ConfigError(
                f"{self.name}: nothing of model `{model.name}` is rounded. Name formats, such as "
                '`inputs="BFP16_64", weights="BFP16_64"`, or a `rule_set`.'
            )
        self._model = prepared
        return prepared

    def _replacement(self, operation: Any) -> Callable[..., Any] | None:
        settings = self._rules.of(inside(operation))
        approximate = settings and _operators.marked(operation, settings.operators, self.name)
        if approximate is None and not isinstance(operation, keras.layers.Layer):
            return None if settings is None else self._operation(operation, settings)
        layer = approximate or operation
        bare = inside(layer)
        chains: dict[str, Any] = {
            "weights": {path: self._owned(self.chain(bare, path, each)) for path, each in self._chosen(bare)}
        }
        if settings is not None:
            chains["inputs"] = self._input_chains(operation, settings)
            chains["before_activation"] = self._before_activation(layer, settings)
            chains["outputs"] = self._output_chain(operation, settings)
        return wrapped(layer, **chains) if any(chains.values()) else approximate

    def _operation(self, operation: Any, settings: LayerSettings) -> Callable[..., Any] | None:
        """Returns what rounds the tensors around an operation that is no layer."""
        before = [each for chain in self._input_chains(operation, settings) for each in chain]
        after = self._output_chain(operation, settings)
        if not before and not after:
            return None
        for index, each in enumerate([*before, *after]):
            each.name = f"{operation.name}_{'input' if index < len(before) else 'output'}_{index}"
        copied = type(operation).from_config(operation.get_config())

        def emit(*args: Any, **kwargs: Any) -> Any:
            waiting = iter(before)

            def seen(x: Any) -> Any:
                return next(waiting)(x) if _is_float(x) else x

            x = copied(*(keras.tree.map_structure(seen, args) if before else args), **kwargs)
            for each in after:
                x = each(x)
            return x

        return emit

    def _input_chains(self, operation: Any, settings: LayerSettings) -> list[list[Transformation]]:
        if settings.inputs is None:
            return []
        tensors = [x for x in keras.tree.flatten(operation.input) if _is_float(x)]
        axes = _input_axes(inside(operation), len(tensors))
        return [self._owned([FakeQuantize(settings.inputs, axis=axis)]) for axis in axes]

    def _before_activation(self, layer: keras.layers.Layer, settings: LayerSettings) -> list[Transformation]:
        bare = inside(layer)
        if settings.before_activation is None or rule_sets.role(bare) != "linear" or isinstance(bare, keras.layers.RNN):
            return []
        held = isinstance(layer, Compressed) and bool(layer.before_activation)
        linear = getattr(bare, "activation", None) in (None, keras.activations.linear)
        if linear and not held:
            return []
        return self._owned([FakeQuantize(settings.before_activation, axis=_feature_axis(bare))])

    def _output_chain(self, operation: Any, settings: LayerSettings) -> list[Transformation]:
        outputs = keras.tree.flatten(operation.output)
        if not outputs or not _is_float(outputs[0]):
            return []
        axis = _feature_axis(inside(operation))
        chain: list[Transformation] = []
        if settings.gradients is not None:
            chain.append(RoundGradient(settings.gradients, axis=axis))
        if settings.outputs is not None:
            chain.append(FakeQuantize(settings.outputs, axis=axis))
        return self._owned(chain)


class _RulesOnSet(Rules[LayerSettings]):
    """Rules on top of the formats that a rule set has for each layer."""

    def __init__(self, rule_set: str, rules: Sequence[Any]) -> None:
        super().__init__(LayerSettings(), rules)
        self._rule_set = rule_set
        self._given = rules

    def of(self, layer: Any, path: str | None = None) -> LayerSettings | None:
        defaults = LayerSettings(**rule_sets.formats(self._rule_set, layer))
        return Rules(defaults, self._given).of(layer, path)


def _is_bias(path: str) -> bool:
    return "bias" in path.rpartition("/")[2]


def _is_float(x: Any) -> bool:
    return isinstance(x, keras.KerasTensor) and keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))


def _feature_axis(layer: Any) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def _input_axes(layer: Any, count: int) -> list[int]:
    """Returns for each input of a layer the axis that its products are summed over, where there are any."""
    kind = type(layer).__name__
    if isinstance(layer, BatchNormalized):
        layer = layer.linear
    if kind == "Matmul":
        return [-1, -2][:count]
    if isinstance(layer, keras.layers.Dot):
        axes = layer.axes
        return [axes, axes] if isinstance(axes, int) else list(axes)
    if isinstance(layer, keras.layers.EinsumDense):
        return [_summed_axis(layer.equation)] * count
    return [_feature_axis(layer)] * count


def _summed_axis(equation: str) -> int:
    """Returns the last axis of the first operand that the output does not have, counted from the end."""
    operands, output = equation.replace(" ", "").split("->")
    first = operands.split(",")[0]
    return max((place for place, letter in enumerate(first) if letter not in output), default=len(first) - 1) - len(
        first
    )
