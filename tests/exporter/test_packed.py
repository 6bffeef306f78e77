"""Tests of the packed exporter: what it writes is the model, in few bytes, whatever the model is."""

import json

import keras
import numpy as np
import pytest

import espalier
from source.config.errors import ConfigError, ExportError
from source.config.settings import from_mapping
from source.exporter import container, packed
from source.exporter.artefact.packed_file import as_array, load_packed, stored_variables
from source.exporter.container.architecture import Weight


def rounded(model, most, density=1.0):
    """Gives every kernel of a model values on a grid of channels, some of them zero."""
    draw = np.random.default_rng(24)
    for each in model.weights:
        if each.path.endswith("kernel"):
            codes = np.clip(np.rint(draw.normal(size=each.shape) * most / 3), -most, most)
            codes = np.where(draw.random(codes.shape) < density, codes, 0)
            each.assign(codes.astype(np.float32) * draw.lognormal(size=each.shape[-1]).astype(np.float32) + 0)
        else:
            each.assign(np.abs(draw.normal(size=each.shape)) + 0.1)
    return model


def convolutional():
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Flatten()(keras.layers.DepthwiseConv2D(3)(x))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Dropout(0.5)(x)))


def sequential():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)])


def shared():
    first, second = keras.Input((5,), name="first"), keras.Input((5,), name="second")
    dense = keras.layers.Dense(4)
    return keras.Model([second, first], [dense(first) - dense(second), dense(first)])


def nested():
    inputs = keras.Input((5,))
    inner = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5), keras.layers.Dropout(0.1)], name="inner")
    deep = keras.Model(inputs, keras.layers.Add()([inner(inputs), inputs]), name="deep")
    outer = keras.Input((5,))
    return keras.Model(outer, keras.layers.Dense(2)(deep(deep(outer))))


def recurrent():
    inputs = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(7, 4)(inputs)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3, dropout=0.2))(x)
    return keras.Model(inputs, keras.layers.LayerNormalization()(keras.ops.concatenate([x, x], axis=-1)))


def attention():
    inputs = keras.Input((6, 8))
    x = keras.layers.MultiHeadAttention(2, 4)(inputs, inputs)
    return keras.Model(inputs, keras.layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")(x))


def normalized():
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(size=(20, 5)))
    inputs = keras.Input((5,))
    return keras.Model(inputs, keras.layers.Dense(2, dtype="mixed_bfloat16")(layer(inputs)))


def half():
    inputs = keras.Input((5,))
    return keras.Model(inputs, keras.layers.Dense(4, dtype="bfloat16")(inputs))


def of_ours():
    model = convolutional()
    compressor = espalier.compressor(
        "quantize_aware", weights="int4<channel>", activations="uint4", activation_ranges="learned_limit"
    )
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 2))
    return compressor.finish(compressor.prepare(model, calibration=images))


MODELS = (convolutional, sequential, shared, nested, recurrent, attention, normalized, half, of_ours)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_every_kind_of_model_comes_back_bit_for_bit(make, tmp_path):
    model = make()
    mine = stored_variables(model)
    # Running the model moves the random states of recurrent layers on.
    written = [as_array(each).tobytes() for each in mine]
    report = espalier.export(model, tmp_path / "m.esp", examples=None)
    assert report.relative == 0 and report.tolerance == 0
    assert report.bytes == (tmp_path / "m.esp").stat().st_size
    loaded = load_packed(tmp_path / "m.esp")
    theirs = stored_variables(loaded)
    assert [as_array(each).tobytes() for each in theirs] == written


def test_the_loaded_model_is_described_as_the_written_one(tmp_path):
    model = convolutional()
    espalier.export(model, tmp_path / "m.esp")
    assert espalier.load_packed(tmp_path / "m.esp").get_config() == model.get_config()


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = rounded(convolutional(), 7)
    for name in ("a", "b"):
        espalier.export(model, tmp_path / f"{name}.esp")
    again = espalier.load_packed(tmp_path / "a.esp")
    espalier.export(again, tmp_path / "c.esp")
    first = (tmp_path / "a.esp").read_bytes()
    assert first == (tmp_path / "b.esp").read_bytes() == (tmp_path / "c.esp").read_bytes()


def test_a_pruned_network_of_lenets_size_takes_few_bytes(tmp_path):
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(20, 5, activation="relu")(inputs))
    x = keras.layers.Flatten()(
        keras.layers.MaxPooling2D()(keras.layers.Conv2D(50, 5, activation="relu", name="second")(x))
    )
    x = keras.layers.Dense(500, activation="relu")(x)
    model = rounded(keras.Model(inputs, keras.layers.Dense(10)(x)), 3, density=0.012)
    live = sum(int(np.count_nonzero(each)) for each in model.weights)
    report = espalier.export(model, tmp_path / "m.esp", examples=np.zeros((1, 28, 28, 1), np.float32))
    # 3 bits of code, 9 of place, and a scale for each of 580 channels and a bias as random floats: 3.7 bytes each.
    assert report.bytes < live * 12 / 8 + 2 * 580 * 3.7 + 600
    assert "1/" in report.notes[-1] and report.notes[0].startswith("second/kernel: 5x5x20x50, ")


def test_negative_zeros_are_told_and_can_be_dropped(tmp_path):
    model = sequential()
    kernel = np.where(np.arange(20).reshape(5, 4) % 2, -0.0, 0.0).astype(np.float32)
    kernel[0] = 1.0
    model.layers[0].kernel.assign(kernel)
    kept = espalier.export(model, tmp_path / "kept.esp")
    assert kept.notes[-1] == "8 zeros have a minus, which is kept; `negative_zeros=False` drops it and saves bytes."
    assert as_array(load_packed(tmp_path / "kept.esp").layers[0].kernel).tobytes() == kernel.tobytes()
    dropped = espalier.export(model, tmp_path / "dropped.esp", negative_zeros=False)
    assert dropped.bytes < kept.bytes
    found = as_array(load_packed(tmp_path / "dropped.esp").layers[0].kernel)
    np.testing.assert_array_equal(found, kernel)
    assert not np.signbit(found).any()


def test_random_states_are_stored(tmp_path):
    model = convolutional()
    espalier.export(model, tmp_path / "m.esp")
    file = container.read(tmp_path / "m.esp")
    [state] = [each for each in file.weights if "seed" in each.path]
    assert state == Weight("seed_generator/seed_generator_state", "int64", (2,))


class Own(keras.layers.Layer):
    """Scales its input; registered with nobody."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")

    def call(self, x):
        return x * self.scale


def test_layers_of_your_own_are_written_and_given_when_loading(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Own(name="own")(inputs))
    espalier.export(model, tmp_path / "m.esp")
    loaded = espalier.load_packed(tmp_path / "m.esp", {"Own": Own})
    np.testing.assert_array_equal(loaded.layers[1].scale, model.layers[1].scale)


class Deferred(keras.layers.Layer):
    """Builds its weights from what `get_build_config` keeps, in no other way."""

    def build_from_config(self, config):
        self.length = config["length"]
        self.add_weight(shape=(self.length,), name="w")
        self.built = True

    def build(self, shape):
        self.length = getattr(self, "length", 3)

    def get_build_config(self):
        return {"length": self.length}

    def call(self, x):
        return x + 1.0


def test_what_layers_need_to_build_their_weights_is_kept(tmp_path):
    inputs, layer = keras.Input((4,)), Deferred(name="deferred")
    layer.build_from_config({"length": 5})
    model = keras.Model(inputs, layer(inputs))
    espalier.export(model, tmp_path / "m.esp")
    assert "build_config" in json.dumps(container.read(tmp_path / "m.esp").architecture)
    assert load_packed(tmp_path / "m.esp", {"Deferred": Deferred}).layers[1].weights[0].shape == (5,)


def test_models_that_describe_nothing_are_refused(tmp_path):
    class Model(keras.Model):
        def __init__(self, make):
            super().__init__()
            self.dense = make()

        def call(self, x):
            return self.dense(x)

    model = Model(lambda: keras.layers.Dense(3))
    with pytest.raises(ConfigError, match=r"cannot be described: .* Build it of layers"):
        packed.build(packed.Config()).write(model, tmp_path / "m.esp", [])


def test_models_that_bring_code_are_refused(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    with pytest.raises(ConfigError, match=r"cannot be loaded again from its description: .*`Lambda` can run code"):
        espalier.export(model, tmp_path / "m.esp")
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_weights_are_others_is_not_accepted(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "same_bits", lambda model, file: ["dense/kernel"])
    with pytest.raises(ExportError, match=r"^packed: the file's weights are not the model's: dense/kernel\.$"):
        espalier.export(sequential(), tmp_path / "m.esp")


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match=r"context_elements.* at least 0"):
        from_mapping(packed.Config, {"context_elements": -1}, "packed")


def test_without_contexts_the_file_is_larger_and_the_same_model(tmp_path):
    model = rounded(convolutional(), 7)
    small = espalier.export(model, tmp_path / "small.esp")
    quick = espalier.export(model, tmp_path / "quick.esp", context_elements=0)
    assert quick.bytes > small.bytes
    assert load_packed(tmp_path / "quick.esp").count_params() == model.count_params()
