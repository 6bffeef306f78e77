"""Tests of pictures of weights."""

import keras
import numpy as np
import pytest

from espalier import compressor
from source.config.errors import DataError
from source.exporter.picture.pictures import Pictures
from source.exporter.picture.weight_pictures import chosen_weights, draw_weights, stored_weights, weights_of


@pytest.fixture
def model():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=True, name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(5, name="head", trainable=False)(x))


def titles(tmp_path, weight):
    with Pictures(tmp_path, "svg") as pictures:
        draw_weights("w", np.asarray(weight), pictures)
    text = pictures.paths[0].read_text()
    return [line.strip()[5:-4] for line in text.splitlines() if "<!-- " in line and (":" in line or "diff" in line)]


def test_kernels_and_tables_are_found_frozen_ones_too(model):
    assert [name for name, _ in weights_of(model)] == ["conv/kernel", "head/kernel"]


def test_compressed_weights_are_as_layers_see_them(model):
    pruning = compressor("magnitude_pruning", sparsity=0.5, schedule="one_shot")
    prepared = pruning.prepare(model)
    pruning.update(0)
    found = dict(weights_of(prepared))
    assert sorted(found) == ["conv/kernel", "head/kernel"]
    assert np.mean(found["conv/kernel"] == 0) == 0.5


def test_the_title_counts_zeros_and_what_is_not_finite(tmp_path):
    weight = np.random.normal(size=(100, 10))
    weight[:3] = 0
    weight[4, 0] = np.nan
    assert titles(tmp_path, weight) == ["100 x 10: 1,000 numbers, 3.00% are zero, 1 not finite"]


def test_rounded_weights_show_their_codes_or_numbers(tmp_path):
    codes = np.random.randint(-7, 8, (3, 3, 4, 16)).astype(np.float32)
    codes[0, 0, 0] = 7  # each channel reaches the largest code
    scale = np.random.uniform(0.01, 0.1, 16).astype(np.float32)
    assert titles(tmp_path / "a", codes * scale)[1] == "int4 by channel: 15 codes"
    assert titles(tmp_path / "b", np.sign(np.random.normal(size=(50, 4))))[1] == "2 different numbers"
    table = np.random.choice(np.random.normal(size=100), (100, 50))
    assert titles(tmp_path / "c", table)[1] == "100 different numbers"
    assert len(titles(tmp_path / "d", np.random.normal(size=(50, 4)))) == 1


@pytest.mark.parametrize("weight", [np.zeros((3, 3)), np.ones((1, 1)), np.full((2, 2), np.nan), np.zeros((0, 4))])
def test_odd_weights_are_drawn_too(tmp_path, weight):
    assert titles(tmp_path, weight)


def test_sparse_weights_have_bars_over_a_logarithmic_axis(tmp_path):
    weight = np.zeros((100, 20))
    weight[0, :3] = (1, 2, 3)
    assert titles(tmp_path, weight) == ["100 x 20: 2,000 numbers, 99.85% are zero", "4 different numbers"]


def test_checkpoints_hold_weights_too(tmp_path):
    arrays = {"model/conv/kernel": np.ones((3, 3), np.float32), "step": np.int64(3), "bias": np.ones(3)}
    np.savez(tmp_path / "a.npz", **arrays)
    assert [name for name, _ in stored_weights(tmp_path / "a.npz")] == ["model/conv/kernel"]
    (tmp_path / "b.npz").write_bytes(b"PK nothing")
    for name in ("b.npz", "none.npz"):
        with pytest.raises(DataError, match=rf"{name}: expected a \.npz file of numbers"):
            stored_weights(tmp_path / name)


def test_weights_are_chosen_by_pattern():
    weights = [("conv1/kernel", np.ones(1)), ("head/kernel", np.ones(1))]
    assert chosen_weights(weights, []) == weights
    assert [name for name, _ in chosen_weights(weights, ["head*"])] == ["head/kernel"]
    with pytest.raises(DataError, match=r"no weight fits `heat/kernel`\. Did you mean `head/kernel`"):
        chosen_weights(weights, ["heat/kernel"])
    with pytest.raises(DataError, match="there are no kernels or tables here to draw"):
        chosen_weights([], [])
