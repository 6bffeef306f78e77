"""Tests of packed files as models: what is loaded, and what is never."""

import json

import keras
import numpy as np
import pytest

from source.config.errors import DataError
from source.exporter import container
from source.exporter.artefact import packed_file
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.artefact.packed_file import load_packed
from source.exporter.container import packed
from source.exporter.container.architecture import Weight, reduced


def small():
    inputs = keras.Input((4,), name="in")
    return keras.Model(inputs, keras.layers.Dense(3, name="out")(inputs), name="small")


def contents(model):
    return [
        (Weight(each.path, str(each.dtype), tuple(each.shape)), packed_file.as_array(each))
        for each in packed_file.stored_variables(model)
    ]


def write(path, described, weights):
    path.write_bytes(packed.written(described, weights))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.esp"


def described(model):
    return reduced(json.loads(model.to_json()))


def test_a_packed_file_is_run_like_any_other(path):
    model = small()
    artefact = open_artefact(write(path, described(model), contents(model)))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert artefact.kind == "packed"
    assert artefact.input_specs == [((None, 4), "float32")]
    assert artefact.bytes == path.stat().st_size
    np.testing.assert_array_equal(artefact.run([x])[0], packed_file.KerasModel(path, model).run([x])[0])


def test_the_model_is_plain_and_its_bits_are_those_written(path):
    model = small()
    special = np.array([[0, 0x80000000, 0x7FC00001]] * 4, np.uint32).view(np.float32)
    model.layers[1].kernel.assign(special)
    write(path, described(model), contents(model))
    loaded = load_packed(path)
    assert packed_file.as_array(loaded.layers[1].kernel).tobytes() == special.tobytes()
    assert packed_file.same_bits(model, container.read(path)) == []
    assert not loaded.compiled and loaded.name == "small"
    model.layers[1].bias.assign([0.0, -0.0, 0.0])
    assert packed_file.same_bits(model, container.read(path)) == ["out/bias"]


def test_metrics_are_not_stored(path):
    model = small()
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.zeros((2, 4)), np.zeros((2, 3)), verbose=0)
    assert [each.path for each in packed_file.stored_variables(model)] == ["out/kernel", "out/bias"]


def test_tensors_are_found_by_name_whatever_their_order(path):
    model = small()
    write(path, described(model), contents(model)[::-1])
    np.testing.assert_array_equal(load_packed(path).layers[1].kernel, model.layers[1].kernel)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights[:1], "1 tensors do not fit the 2 of its architecture: their number differs"),
        (
            lambda weights: [(Weight("out/kernel", "float32", (3, 4)), weights[0][1].T), weights[1]],
            r"`out/kernel` is \(\(4, 3\), 'float32'\) where the file has \(\(3, 4\), 'float32'\)",
        ),
        (
            lambda weights: [weights[0], (Weight("out/bias", "int32", (3,)), weights[1][1].view(np.int32))],
            r"`out/bias` is \(\(3,\), 'float32'\) where the file has \(\(3,\), 'int32'\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused(change, message, path):
    model = small()
    write(path, described(model), change(contents(model)))
    with pytest.raises(DataError, match=message):
        load_packed(path)


def test_an_architecture_that_asks_for_more_than_the_file_holds_allocates_nothing(path):
    model = small()
    large = json.loads(json.dumps(described(model)).replace('"units": 3', '"units": 3000000000000'))
    write(path, large, contents(model))
    with pytest.raises(DataError, match=r"`out/kernel` is \(\(4, 3000000000000\)"):
        load_packed(path)


def with_layer(**layer):
    """Returns a model's description with something else in the place of its dense layer."""
    found = described(small())
    found["config"]["layers"][1].update(layer)
    return found


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"class_name": "Lambda"}, r"`Lambda` can run code or read files, so it is not loaded"),
        ({"class_name": "TFSMLayer", "config": {"filepath": "x"}}, "`TFSMLayer` can run code or read files"),
        ({"class_name": "__lambda__"}, "`__lambda__` can run code"),
        ({"class_name": "__typespec__"}, "`__typespec__` can run code"),
        (
            {"module": "os", "class_name": "system"},
            r"`os\.system` is no layer of Keras or Espalier, and loading runs no",
        ),
        ({"module": "kerasx.layers"}, r"`kerasx\.layers\.Dense` is no layer"),
        ({"module": "keras.nothing"}, r"`keras\.nothing\.Dense` is no layer"),
        ({"module": "keras.utils", "class_name": "get_file"}, r"`keras\.utils\.get_file` is no layer"),
        ({"module": "keras.optimizers", "class_name": "SGD"}, r"`keras\.optimizers\.SGD` is no layer"),
        ({"module": "source.config.plugin", "class_name": "resolve"}, r"`source\.config\.plugin\.resolve` is no layer"),
        ({"module": None, "class_name": "Mine"}, r"give it: custom_objects=\{'Mine': Mine\}\."),
        ({"class_name": 3}, "a class must have a name. Received: 3"),
        ({"class_name": "Dense", "registered_name": 3}, "a class must have a name"),
        (
            {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
            "a layer would read the file '/etc/passwd'. Give it a list of words",
        ),
    ],
)
def test_what_is_not_trusted_is_refused_by_name(layer, message, path):
    write(path, with_layer(**layer), contents(small()))
    with pytest.raises(DataError, match=message):
        load_packed(path)


@pytest.mark.parametrize(
    ("function", "trusted"),
    [
        ({"module": "builtins", "class_name": "function", "config": "doubled", "registered_name": "function"}, True),
        ({"module": "builtins", "class_name": "function", "config": "exit", "registered_name": "function"}, False),
        ({"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "f"}, False),
    ],
)
def test_functions_are_those_that_are_given(function, trusted, path):
    found = with_layer()
    found["config"]["layers"][1]["config"]["activation"] = function
    write(path, found, contents(small()))
    if not trusted:
        with pytest.raises(DataError, match=r"is no layer of Keras or Espalier"):
            load_packed(path, {"doubled": doubled})
        return
    assert load_packed(path, {"doubled": doubled}).layers[1].activation is doubled


def doubled(x):
    """An activation of somebody's own."""
    return 2 * x


class Mine(keras.layers.Dense):
    """A layer of somebody's own, registered with nobody."""


def test_classes_of_your_own_are_given(path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Mine(3)(inputs))
    write(path, described(model), contents(model))
    with pytest.raises(DataError, match=r"Mine` is no layer of Keras or Espalier, .*custom_objects=\{'Mine': Mine\}"):
        load_packed(path)
    assert type(load_packed(path, {"Mine": Mine}).layers[1]) is Mine


def test_registered_classes_are_known(path):
    inputs = keras.Input((4,))
    registered = keras.saving.register_keras_serializable("tests_packed_file")(type("Known", (Mine,), {}))
    model = keras.Model(inputs, registered(3)(inputs))
    write(path, described(model), contents(model))
    assert type(load_packed(path).layers[1]) is registered


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (with_layer(config={"units": -1}), "Keras cannot build the architecture"),
        ({"class_name": "Dense", "module": "keras.layers", "config": {"units": 3}}, "the architecture is no model"),
    ],
)
def test_what_keras_cannot_build_is_refused(architecture, message, path):
    write(path, architecture, contents(small()))
    with pytest.raises(DataError, match=message):
        load_packed(path)


def test_no_architecture_at_all_is_refused(path):
    write(path, 3, [])
    with pytest.raises(DataError, match=r"Keras cannot build|is no model"):
        load_packed(path)


def test_a_broken_file_is_refused(path):
    model = small()
    write(path, described(model), contents(model))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"m\.esp: it has \d+ bytes where its head says \d+"):
        open_artefact(path)


def test_forged_checksums_end_in_refusal_or_in_a_model(path):
    model = small()
    write(path, described(model), contents(model))
    data, draw = path.read_bytes(), np.random.default_rng(23)
    refused = 0
    for _ in range(60):
        inside = bytearray(data[7:-8])
        inside[int(draw.integers(len(inside)))] ^= int(draw.integers(1, 256))
        framed = data[:7] + bytes(inside)
        path.write_bytes(framed + packed._checksum(framed))
        try:
            assert len(load_packed(path).variables) == 2
        except DataError:
            refused += 1
    assert 0 < refused < 60
