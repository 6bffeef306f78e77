"""Tests of SavedModels as artefacts: order of inputs and outputs, pictures, and folders that cannot be run."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from source.config.errors import DataError
from source.exporter.artefact.open_artefact import open_artefact


class Module(tf.Module):
    """Answers as an image model does, with fixed numbers and the sums of the two inputs."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(2.0)

    @tf.function(
        input_signature=[tf.TensorSpec((None, 2), tf.float32, name="b"), tf.TensorSpec((None,), tf.int32, name="a")]
    )
    def serve(self, b, a):
        total = tf.reduce_sum(b, 1) * self.factor + tf.cast(a, tf.float32)
        return {
            "output_probabilities": tf.stack([total, -total], 1),
            "output_classes": tf.cast(a, tf.int64),
            "output_labels": tf.as_string(a),
            "a_third": total,
        }

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="input_bytes")])
    def pictures(self, input_bytes):
        images = tf.map_fn(
            lambda item: tf.reduce_mean(tf.cast(tf.io.decode_png(item), tf.float32)),
            input_bytes,
            fn_output_signature=tf.float32,
        )
        return {"output_probabilities": tf.stack([images, 255 - images], 1) / 255}


def saved(folder, **signatures):
    module = Module()
    tf.saved_model.save(module, str(folder), {name: getattr(module, value) for name, value in signatures.items()})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("saved") / "1", serving_default="serve", predict_bytes="pictures")


@pytest.fixture(scope="module")
def file(folder):
    return open_artefact(folder)


def png(value):
    stream = io.BytesIO()
    Image.fromarray(np.full((3, 4), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_inputs_are_in_the_order_of_their_names(file):
    assert file.kind == "SavedModel"
    assert file.input_specs == [((None,), "int32"), ((None, 2), "float32")]


def test_probabilities_stand_first_and_texts_are_left_out(file):
    found = file.run([np.array([1, 2]), np.array([[1.0, 2.0], [3.0, 4.0]])])
    assert file.output_names == ("output_probabilities", "a_third", "output_classes")
    np.testing.assert_array_equal(found[0], [[7.0, -7.0], [16.0, -16.0]])
    np.testing.assert_array_equal(found[1], [7.0, 16.0])
    np.testing.assert_array_equal(found[2], [1, 2])
    assert [each.dtype.name for each in found] == ["float32", "float32", "int64"]


def test_an_answer_of_a_signature_has_its_texts(file):
    answer = file.answer("serving_default", a=tf.constant([3]), b=tf.ones((1, 2)))
    assert answer["output_labels"].tolist() == [b"3"]


def test_the_bytes_are_those_of_all_its_files(file, folder):
    assert file.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_inputs_that_do_not_fit_are_refused(file):
    with pytest.raises(DataError, match=r"1: expected 2 inputs\. Received: 1\."):
        file.run([np.zeros(1)])
    with pytest.raises(DataError, match=r"1: input 1 has shape \(None, 2\)\. Received: \(1, 3\)\."):
        file.run([np.zeros(1), np.zeros((1, 3))])


def test_pictures_are_classified(file):
    assert file.takes_pictures
    assert file.class_names == ()
    np.testing.assert_allclose(file.classify([png(0), png(51)]), [[0, 1], [0.2, 0.8]], rtol=1e-6)  # of float32


@pytest.mark.parametrize("contents", [b"", b"no picture", png(3)[:40]])
def test_a_broken_picture_says_so_in_printable_text(file, contents):
    with pytest.raises(DataError, match=r"^the image does not decode \([ -~]{1,200}\)$"):
        file.classify([png(1), contents])


def test_a_folder_that_takes_no_pictures_says_what_it_has(tmp_path):
    plain = open_artefact(saved(tmp_path / "1", serving_default="serve"))
    assert not plain.takes_pictures
    with pytest.raises(DataError, match=r"needs a signature `predict_bytes` .* Received: serving_default\."):
        plain.classify([png(1)])


def test_a_folder_without_the_default_signature_names_those_it_has(tmp_path):
    message = r"1: has no signature `serving_default`\. Did you mean `servin_default`\?"
    with pytest.raises(DataError, match=message):
        open_artefact(saved(tmp_path / "1", servin_default="serve"))


def test_a_broken_folder_is_refused(folder, tmp_path):
    for name, contents in {
        "empty": b"",
        "text": b"no graph",
        "cut": (folder / "saved_model.pb").read_bytes()[:500],
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_bytes(contents)
        with pytest.raises(DataError, match=rf"{name}: (this SavedModel cannot be read: .*\.|has no signature .*)"):
            open_artefact(tmp_path / name)
