"""Tests of rule sets: that every kind of layer has a role, and every role in every set its formats."""

import inspect

import keras
import numpy as np
import pytest

from source.compressor import rule_sets
from source.compressor.layer_formats import LayerSettings
from source.config.errors import UnknownNameError
from source.config.plugin import resolve

# No layers by themselves.
ABSTRACT = {"Layer", "Wrapper"}
SAME = dict.fromkeys(("inputs", "outputs"), "SAME")
HALF = dict.fromkeys(("inputs", "outputs"), "FLOAT16")
TABLE = {
    "baseline": {
        "linear": dict.fromkeys(("inputs", "weights", "biases", "before_activation", "outputs", "gradients"), "SAME"),
        "product": SAME,
        "table": {"weights": "SAME", "outputs": "SAME"},
        "computing": SAME,
        "passing": {},
    },
    "fp8": {
        "linear": {"inputs": "AFLOAT8", "weights": "AFLOAT8", "before_activation": "FLOAT16", "outputs": "FLOAT16"},
        "product": {"inputs": "AFLOAT8", "outputs": "FLOAT16"},
        "table": {"outputs": "FLOAT16"},
        "computing": HALF,
        "passing": {},
    },
    "basic": {
        "linear": {
            "inputs": "BFP16_64",
            "weights": "BFP16_64",
            "biases": "BFP32_1",
            "before_activation": "FLOAT16",
            "outputs": "FLOAT16",
        },
        "product": {"inputs": "BFP16_64", "outputs": "FLOAT16"},
        "table": {"outputs": "FLOAT16"},
        "computing": HALF,
        "passing": {},
    },
}
TABLE["fp8_training"] = {**TABLE["fp8"], "linear": {**TABLE["fp8"]["linear"], "gradients": "BFLOAT8"}}
TABLE["basic_sbfp"] = {**TABLE["basic"], "linear": {**TABLE["basic"]["linear"], "storage": "SBFP12_16"}}
OPERATORS = (
    "softmax<base2,float16>",
    "gelu<poly2,float16>",
    "layernorm<legacy,float16>",
    "rmsnorm<legacy,float16>",
    "silu<poly2,float16>",
    "exp<base2,float16>",
)
MEMBERS = {
    "linear": keras.layers.Dense(2),
    "product": keras.layers.Dot(axes=1),
    "table": keras.layers.Embedding(3, 2),
    "computing": keras.layers.ReLU(),
    "passing": keras.layers.Flatten(),
}


def layer_classes() -> dict[str, type]:
    found = [each for each in vars(keras.layers).values() if inspect.isclass(each)]
    named = {each.__name__: each for each in found if issubclass(each, keras.layers.Layer)}
    return {name: named[name] for name in sorted(named.keys() - ABSTRACT)}


@pytest.mark.parametrize(("name", "kind"), layer_classes().items(), ids=layer_classes())
def test_every_layer_of_keras_has_one_role(name, kind):
    roles = [role for role, names in rule_sets._NAMES.items() if name in names]
    inherited = [each.__name__ for each in kind.__mro__[1:] if each.__name__ in rule_sets._ROLES]
    assert len(roles) == 1 or (not roles and inherited), f"{name}: {roles}, {inherited}"


@pytest.mark.parametrize("rule_set", list(TABLE))
@pytest.mark.parametrize("role", list(MEMBERS))
def test_every_set_says_what_each_role_gets(rule_set, role):
    assert rule_sets.role(MEMBERS[role]) == role
    found = rule_sets.formats(rule_set, MEMBERS[role])
    assert found == {**TABLE[rule_set][role], "operators": OPERATORS if rule_set.startswith("basic") else ()}
    LayerSettings(**found)  # every name is a number format, or an approximation


def test_all_sets_are_listed():
    assert rule_sets.names() == ["baseline", "fp8", "fp8_training", "basic", "basic_sbfp"]
    assert set(rule_sets.names()) == set(TABLE)


def test_only_basic_approximates_operators():
    found = {name: sorted(rule_sets.operators(name)) for name in rule_sets.names()}
    basic = ["exponential", "gelu", "layer_normalization", "rms_normalization", "silu", "softmax"]
    assert found == {"baseline": [], "fp8": [], "fp8_training": [], "basic": basic, "basic_sbfp": basic}
    settings = resolve("compressor", "approximated_operators").OperatorSettings(**rule_sets.operators("basic"))
    assert len(settings.names()) == len(basic)


class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2


class Weighted(keras.layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 2))

    def call(self, x):
        return x @ self.kernel


class Wider(keras.layers.Dense):
    pass


def test_layers_of_others_are_taken_for_what_they_extend_or_hold():
    weighted = Weighted()
    weighted(np.zeros((1, 3), "float32"))
    assert [rule_sets.role(each) for each in (Doubled(), weighted, Wider(2))] == ["computing", "linear", "linear"]


def test_an_unknown_set_is_refused():
    with pytest.raises(UnknownNameError, match=r"There is no rule set `basics`\. Did you mean `basic`"):
        rule_sets.formats("basics", keras.layers.Dense(2))
    with pytest.raises(UnknownNameError, match="There is no rule set `fp9`"):
        rule_sets.operators("fp9")
