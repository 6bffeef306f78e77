"""Tests of LiteRT files that are run: order of inputs and outputs, batches, codes, and files that are none."""

import sys

import keras
import numpy as np
import pytest

from source.config.errors import DataError, MissingDependencyError
from source.exporter import litert
from source.exporter.artefact import litert_file
from source.exporter.artefact.open_artefact import open_artefact

pytest.importorskip("ai_edge_litert")


def two_by_two():
    """A model whose inputs and outputs are named against the order of the alphabet."""
    keras.utils.set_random_seed(0)
    second, first = keras.Input((3,), name="z"), keras.Input((5,), name="a")
    a, b = keras.layers.Dense(2, name="y")(second), keras.layers.Dense(4, name="b")(first)
    return keras.Model([second, first], [a, b])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A model of two inputs and outputs, and its file of a free batch."""
    model, path = two_by_two(), tmp_path_factory.mktemp("free") / "pair.tflite"
    litert.build(litert.Config()).export_model(model, path)
    return model, path


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    """A model and its file of batches of 2."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    path = tmp_path_factory.mktemp("fixed") / "two.tflite"
    litert.build(litert.Config(batch_size=2)).export_model(model, path)
    return model, path


def inputs(count):
    random = np.random.default_rng(count)
    return [random.normal(size=(count, 3)).astype(np.float32), random.normal(size=(count, 5)).astype(np.float32)]


def test_inputs_and_outputs_are_in_the_order_of_the_model(pair):
    _, path = pair
    file = open_artefact(path, threads=1)
    assert file.kind == "LiteRT"
    assert file.input_specs == [((None, 3), "float32"), ((None, 5), "float32")]
    assert file.code_steps == [None, None]
    assert [each.shape for each in file.run(inputs(2))] == [(2, 2), (2, 4)]


def test_a_file_of_a_free_batch_takes_batches_of_any_size_one_after_the_other(pair):
    model, path = pair
    file = open_artefact(path, threads=1)
    for count in (1, 7, 7, 2):
        given = inputs(count)
        for found, expected in zip(file.run(given), model(given), strict=True):
            # Sums of 5 products in another order: some units of 6e-8.
            np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_file_of_a_fixed_batch_runs_as_often_as_it_must(fixed, count):
    model, path = fixed
    x = np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32)
    file = open_artefact(path)
    assert file.input_specs == [((2, 4), "float32")]
    [found] = file.run([x])
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(model(x)), atol=1e-6)


def test_inputs_that_do_not_fit_are_refused(pair):
    _, path = pair
    file = open_artefact(path)
    with pytest.raises(DataError, match=r"expected 2 inputs\. Received: 1\."):
        file.run(inputs(1)[:1])
    with pytest.raises(DataError, match=r"input 0 has shape \(None, 3\)\. Received: \(1, 5\)\."):
        file.run(inputs(1)[::-1])


def test_codes_are_made_of_numbers_and_numbers_of_codes():
    tensor = {"quantization": (0.5, -3), "dtype": np.int8}
    codes = litert_file._encoded(tensor, np.array([0.0, 0.5, 0.74, 1000.0, -1000.0]))
    np.testing.assert_array_equal(codes, np.array([-3, -2, -2, 127, -128], np.int8))
    np.testing.assert_array_equal(litert_file._decoded(tensor, codes[:2]), np.array([0.0, 0.5], np.float32))
    plain = {"quantization": (0.0, 0), "dtype": np.float32}
    np.testing.assert_array_equal(litert_file._encoded(plain, np.array([1.5])), np.array([1.5], np.float32))


@pytest.mark.parametrize("contents", [b"", b"no such thing", b"\x1c\x00\x00\x00TFL3" + bytes(64)])
def test_a_broken_file_is_refused(tmp_path, contents):
    (tmp_path / "broken.tflite").write_bytes(contents)
    with pytest.raises(DataError, match=r"broken\.tflite: this is no LiteRT file that can be run: "):
        open_artefact(tmp_path / "broken.tflite")


def test_a_missing_runtime_is_named(tmp_path, monkeypatch):
    (tmp_path / "any.tflite").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingDependencyError, match=r"`ai-edge-litert`: pip install 'espalier\[export\]'"):
        open_artefact(tmp_path / "any.tflite")
