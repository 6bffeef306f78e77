"""Tests of architectures as short texts."""

import json

import pytest

from source.exporter.container import architecture
from source.exporter.container.architecture import Weight


def tensor(name):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def layer(kind, name, *inbound, **config):
    nodes = [{"args": [tensor(each) for each in inbound], "kwargs": {}}] if inbound else []
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **config},
        "registered_name": None,
        "build_config": {"input_shape": [None, 4]},
        "name": name,
        "inbound_nodes": nodes,
    }


def model(*layers):
    config = {"name": "m", "layers": list(layers), "input_layers": ["a", 0, 0]}
    return {"module": "keras", "class_name": "Functional", "config": config, "compile_config": {}}


MODEL = model(
    layer("InputLayer", "a"),
    layer("Dense", "b", "a", units=4, use_bias=True, activation="relu"),
    layer("Dense", "c", "b", units=4, use_bias=1),
    layer("Add", "d", "c", "a"),
)
WEIGHTS = [Weight("b/kernel", "float32", (4, 4)), Weight("b/bias", "float32", (4,)), Weight("c/n", "int32", ())]


def test_reduction_leaves_out_what_keras_finds_again():
    reduced = architecture.reduced(MODEL)
    assert "compile_config" not in reduced
    dense = reduced["config"]["layers"][1]
    assert set(dense) == {"module", "class_name", "config", "name", "inbound_nodes"}
    assert dense["inbound_nodes"][0]["args"][0]["config"] == {
        "shape": [],
        "dtype": "float32",
        "keras_history": ["a", 0, 0],
    }


def test_layers_are_differences_and_connections_are_steps():
    text = architecture.to_text(architecture.reduced(MODEL), WEIGHTS)
    assert json.loads(text)["s"]["config"]["layers"] == [
        ["InputLayer", {"config": {}, "inbound_nodes": [], "module": "keras.layers", "name": "a"}],
        [
            "Dense",
            {
                "config": {"activation": "relu", "units": 4, "use_bias": True},
                "inbound_nodes": [{"args": [{"@": 1}], "kwargs": {}}],
                "module": "keras.layers",
                "name": "b",
                "w": ["kernel 4 4", "bias 4"],
            },
        ],
        # True and 1 are not the same.
        ["Dense", {"config": {"-": ["activation"], "use_bias": 1}, "name": "c", "w": ["n int32"]}],
        [
            "Add",
            {
                "config": {},
                "inbound_nodes": [{"args": [{"@": 1}, {"@": 3}], "kwargs": {}}],
                "module": "keras.layers",
                "name": "d",
            },
        ],
    ]


@pytest.mark.parametrize(
    ("described", "weights"),
    [
        (MODEL, WEIGHTS),
        (MODEL, WEIGHTS[::-1]),
        (MODEL, [Weight("elsewhere/kernel", "float32", (2,)), *WEIGHTS]),
        (MODEL, [Weight("b/a name", "bool", (2, 3))]),
        (model(layer("InputLayer", "a"), {**model(layer("InputLayer", "x")), "name": "in", "inbound_nodes": []}), []),
        ({"class_name": "Mine", "config": {"width": 3}}, [Weight("w", "float32", (3,))]),
        (model(layer("Dense", "b", "b", **{"-": 1}), layer("Dense", "c", "later")), []),
        (model({"class_name": "Dense", "config": {"units": 3}}, {"class_name": "Dense", "config": {}}), []),
    ],
)
def test_architecture_and_weights_come_back(described, weights):
    reduced = architecture.reduced(described)
    again, names = architecture.from_text(architecture.to_text(reduced, weights))
    assert json.dumps(again, sort_keys=True) == json.dumps(reduced, sort_keys=True)
    assert names == weights


def test_what_is_not_reduced_comes_back_too():
    again, names = architecture.from_text(architecture.to_text(MODEL, WEIGHTS))
    assert (again, names) == (MODEL, WEIGHTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "3",
        '{"a":{}}',
        '{"a":{},"w":[3]}',
        '{"a":{},"w":["kernel x"]}'[:-6] + 'l 3 x"]}',
        '{"s":{"config":{"layers":[[]]}}}',
        '{"s":{"config":{"layers":[["Dense",3]]}}}',
        '{"s":{"config":{"layers":[["A",{"name":"a","config":{},"inbound_nodes":[{"@":1}]}]]}}}',
        '{"s":{},"o":[0]}',
        "[" * 100_000,
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=r"Error: "):
        architecture.from_text(text)


def test_a_text_cannot_stand_for_far_more_values_than_it_has():
    base = ["A", {"name": "a", "config": {"many": [0] * 1000}}]
    text = json.dumps({"s": {"config": {"layers": [base] + [["A", {}]] * 1000}}})
    with pytest.raises(ValueError, match="more than 262144 values"):
        architecture.from_text(text)
