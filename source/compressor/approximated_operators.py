"""Computes softmax, GELU, normalizations and other operators approximately, with few and cheap operations."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from source.compressor import _operators, rule_sets
from source.compressor.compressor import Calibration, Compressor
from source.compressor.rules import Match, Rules
from source.config.config import CompressorConfig, require
from source.config.errors import ConfigError
from source.config.settings import from_mapping, settings
from source.layer import weight_paths
from source.layer.approximated import Approximated
from source.layer.approximation.grammar import approximation
from source.layer.compressed import Compressed
from source.surgery.rewrite import refuse_other_models, rewrite
from source.surgery.wrap import inside

# Setting -> the operator that its value must approximate.
_OPERATORS = {
    "softmax": "softmax",
    "gelu": "gelu",
    "layer_normalization": "layernorm",
    "rms_normalization": "rmsnorm",
    "silu": "silu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "exponential": "exp",
}
# Layers that compute a softmax in a place that their settings do not reach.
_HIDING_SOFTMAX = tuple(
    getattr(keras.layers, name)
    for name in ("MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention")
    if hasattr(keras.layers, name)
)


@settings
class OperatorSettings:
    """What a rule may set: for each operator the name of its approximation; None leaves it exact.

    Attributes:
        softmax: such as "softmax<base2,float16>", for layers and activations.
        gelu: such as "gelu<poly2,float16>", for the GELU of the error function.
        layer_normalization: such as "layernorm<legacy,float16>".
        rms_normalization: such as "rmsnorm<legacy,float16>".
        silu: such as "silu<poly2,float16>".
        sigmoid: such as "sigmoid<poly2,float16>"; gates of recurrent layers too.
        tanh: such as "tanh<poly2,float16>"; states of recurrent layers too.
        exponential: such as "exp<base2,float16>".
    """

    softmax: str | None = None
    gelu: str | None = None
    layer_normalization: str | None = None
    rms_normalization: str | None = None
    silu: str | None = None
    sigmoid: str | None = None
    tanh: str | None = None
    exponential: str | None = None

    def __post_init__(self) -> None:
        for name, operator in _OPERATORS.items():
            text = getattr(self, name)
            fits = text is None or approximation(text).operator == operator
            require(fits, name, f"an approximation of {operator}", text)

    def names(self) -> list[str]:
        """Returns the approximations that are set."""
        return [text for name in _OPERATORS if (text := getattr(self, name)) is not None]


@settings
class Config(CompressorConfig, OperatorSettings):
    """Settings of approximated operators.

    Attributes:
        rule_set: name of a rule set, whose approximations are taken wherever a layer has the operator; None takes
            those that are set here, each of which a layer must have.
    """

    rule_set: rule_sets.RuleSet | None = None

    def __post_init__(self) -> None:
        OperatorSettings.__post_init__(self)
        given = self.names()
        require(not (given and self.rule_set), "rule_set", "None where operators are named", self.rule_set)
        for index, rule in enumerate(self.rules):
            if isinstance(rule.get("match"), Mapping) and rule["match"].get("weight") is not None:
                raise ValueError(
                    f"`rules[{index}].match.weight` has no effect: operators are those of layers. Match by `name` or "
                    "`type`."
                )


def build(config: Config) -> "ApproximatedOperators":
    """Returns the compressor.

    Args:
        config: the settings.
    """
    return ApproximatedOperators(config)


class ApproximatedOperators(Compressor):
    """Puts layers in the place of others that have the same weights, approximate values and exact gradients.

    There is nothing to follow during training, and `finish` leaves the approximations: they are what a device computes.
    """

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        chosen: dict[str, Any] = {name: getattr(config, name) for name in _OPERATORS}
        if config.rule_set is not None:
            chosen = rule_sets.operators(config.rule_set)
        self._rules: Rules[OperatorSettings] = Rules(OperatorSettings(**chosen), config.rules)

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model that computes approximately; the model itself stays as it is.

        Args:
            model: functional or sequential, built.
            calibration: inputs of the model, on which errors are measured for the report.

        Raises:
            ConfigError: for a setting or a rule that no layer of the model has the operator for.
        """
        refuse_other_models(model)
        operations = _operators.operations_of(model)
        self._check(model, operations)
        prepared = rewrite(model, self._replaced, operations=True)
        errors = {} if calibration is None else _operators.errors(model, self._replaced, calibration)
        for layer, _, mark in self._mine(prepared, Approximated):
            if layer.name in errors:
                mark.set_error(errors[layer.name])
        self._model = prepared
        return prepared

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns that operators change no weight."""
        return "approximated operators change no weight"

    def _replaced(self, operation: Any) -> Compressed | None:
        found = self._rules.of(inside(operation))
        return None if found is None else _operators.marked(operation, found.names(), self.name)

    def _check(self, model: keras.Model, operations: list[Any]) -> None:
        """Refuses settings without effect."""
        self._rules.check_all_match((inside(each), _paths(each)) for each in operations)
        for where, text, matched in self._asked(operations):
            if not any(_operators.computes(each, text) for each in matched):
                raise ConfigError(
                    f"{self.name}.{where}: no layer of model `{model.name}` that it is about computes "
                    f"{approximation(text).operator}. Received: {text!r}.{_hint(text, matched)}"
                )
        if not any(
            _operators.computes(each, name)
            for each in operations
            if (chosen := self._rules.of(inside(each))) is not None
            for name in chosen.names()
        ):
            raise ConfigError(
                f"{self.name}: nothing of model `{model.name}` is to be approximated. Name an approximation of what it "
                'computes, such as `softmax="softmax<base2,float16>"`, or a `rule_set`.'
            )

    def _asked(self, operations: list[Any]) -> Iterator[tuple[str, str, list[Any]]]:
        """Yields each approximation that is asked for, where, and the operations that it is asked for."""
        for name in _OPERATORS:
            if (text := getattr(self.config, name)) is not None:
                yield name, text, operations
        for index, rule in enumerate(self.config.rules):
            if not isinstance(rule["do"], Mapping):
                continue
            match = from_mapping(Match, rule.get("match", {}))
            matched = [each for each in operations if match.holds(inside(each))]
            yield from (
                (f"rules[{index}].do.{name}", text, matched) for name, text in rule["do"].items() if text is not None
            )


def _paths(operation: Any) -> list[str]:
    return list(weight_paths.of(inside(operation))) if isinstance(operation, keras.layers.Layer) else []


def _hint(text: str, matched: list[Any]) -> str:
    """Returns what else may help: that a softmax is hidden in a layer."""
    hiding = [inside(each) for each in matched if isinstance(inside(each), _HIDING_SOFTMAX)]
    if approximation(text).operator != "softmax" or not hiding:
        return ""
    kind = type(hiding[0]).__name__
    return f" Layer `{hiding[0].name}` ({kind}) has one inside, which cannot be reached; it stays exact."
