"""Tests of exported SavedModels: endpoints, batches, labels, bytes, and a process without this package."""

import io
import json
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import espalier
from source.config.errors import ConfigError, DataError, ExportError
from source.exporter import saved_model
from source.exporter.saved_model import Config
from source.layer.calibrated_quantize import CalibratedQuantize
from tests.exporter.parts import CLASSES, HEIGHT, NAMES, WIDTH, make_parts


@pytest.fixture(scope="module")
def parts():
    return make_parts()


@pytest.fixture(scope="module")
def folder(parts, tmp_path_factory):
    return saved_model.build(Config()).export(*parts, tmp_path_factory.mktemp("export") / "1")


@pytest.fixture(scope="module")
def served(folder):
    return tf.saved_model.load(folder)


def pictures(count, height=HEIGHT, width=WIDTH):
    """Returns images uint8 (count, height, width, 3), smooth enough for JPEG to keep."""
    small = np.random.default_rng(3).integers(0, 256, (count, 3, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((width, height))) for image in small])


def encoded(image, kind):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def expected(parts, images):
    """Returns what the model in memory says of decoded images."""
    modeler, inputter = parts
    return modeler.predict_step({"image": inputter.preprocess(tf.cast(images, tf.float32))})


def test_the_endpoints_have_the_documented_names(served):
    assert set(served.signatures) == {"predict", "serving_default", "predict_bytes"}
    for name, argument in {
        "predict": "input_image",
        "serving_default": "input_image",
        "predict_bytes": "input_bytes",
    }.items():
        signature = served.signatures[name]
        assert list(signature.structured_input_signature[1]) == [argument]
        shapes = {key: tuple(spec.shape) for key, spec in signature.structured_outputs.items()}
        assert set(shapes) == {"output_classes", "output_probabilities", "output_labels"}
        assert shapes["output_probabilities"] == (None, CLASSES)
    spec = served.signatures["predict"].structured_input_signature[1]["input_image"]
    assert (tuple(spec.shape), spec.dtype) == ((None, HEIGHT, WIDTH, 3), tf.float32)


@pytest.mark.parametrize("name", ["predict", "serving_default"])
@pytest.mark.parametrize("count", [1, 5])
def test_tensors_are_answered_as_by_the_model(served, parts, name, count):
    images = pictures(count)
    answer = served.signatures[name](input_image=tf.constant(images, tf.float32))
    wanted = expected(parts, images)
    np.testing.assert_array_equal(answer["output_classes"], wanted["classes"])
    # Graph and eager sum a row of 20 products in another order: some units of 6e-8 in the last place.
    np.testing.assert_allclose(answer["output_probabilities"], wanted["probabilities"], rtol=1e-5, atol=1e-6)
    assert answer["output_classes"].dtype == tf.int64
    assert answer["output_probabilities"].dtype == tf.float32


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WebP", "GIF"])
@pytest.mark.parametrize("count", [1, 5])
def test_bytes_are_answered_as_the_decoded_images(served, parts, kind, count):
    files = [encoded(image, kind) for image in pictures(count)]
    answer = served.signatures["predict_bytes"](input_bytes=tf.constant(files))
    decoded = tf.stack([parts[1].decode(tf.constant(file)) for file in files])
    by_tensor = served.signatures["predict"](input_image=tf.cast(decoded, tf.float32))
    for name, values in answer.items():
        np.testing.assert_array_equal(values, by_tensor[name], name)


def test_a_picture_of_bytes_may_have_any_size_and_channels(served, parts):
    large, grey = pictures(1, 40, 30)[0], pictures(1)[0][..., 0]
    files = [encoded(large, "PNG"), encoded(grey, "PNG")]
    answer = served.signatures["predict_bytes"](input_bytes=tf.constant(files))
    for place, image in enumerate((large, np.repeat(grey[..., None], 3, axis=-1))):
        prepared = parts[1].preprocess(tf.cast(image, tf.float32))
        wanted = parts[0].predict_step({"image": prepared[None]})
        np.testing.assert_allclose(
            answer["output_probabilities"][place], wanted["probabilities"][0], rtol=1e-5, atol=1e-6
        )


def test_labels_are_embedded(served):
    answer = served.signatures["predict"](input_image=tf.constant(pictures(5), tf.float32))
    assert [label.decode() for label in answer["output_labels"].numpy()] == [
        NAMES[label] for label in answer["output_classes"].numpy()
    ]


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"no picture", "Unknown image file format. One of .* required"),
        (b"", "Input is empty"),
        (
            encoded(np.zeros((9, 9, 3), np.uint8), "JPEG")[:80],
            "jpeg::Uncompress failed. Invalid JPEG data or crop window",
        ),
    ],
)
def test_a_broken_picture_is_said_to_be_one(folder, contents, reason):
    with pytest.raises(DataError, match=rf"^the image does not decode \({reason}\)$"):
        espalier.open_artefact(folder).classify([contents])


def test_dropout_is_off(served):
    images = tf.constant(pictures(2), tf.float32)
    first, second = (served.signatures["predict"](input_image=images) for _ in range(2))
    np.testing.assert_array_equal(first["output_probabilities"], second["output_probabilities"])


def test_only_the_outputs_asked_for_are_written(parts, tmp_path):
    path = saved_model.build(Config(output_ops="output_classes")).export(*parts, tmp_path / "1")
    signature = tf.saved_model.load(path).signatures["serving_default"]
    assert list(signature.structured_outputs) == ["output_classes"]


def test_an_unknown_output_is_answered_with_the_nearest(parts, tmp_path):
    exporter = saved_model.build(Config(output_ops=("output_clases",)))
    with pytest.raises(ConfigError, match=r"output_ops: `output_clases` .* Did you mean `output_classes`\?"):
        exporter.export(*parts, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_input_is_refused():
    with pytest.raises(ConfigError, match=r"`input_ops` must be `input_image`\. Received: input_ops=\('image',\)"):
        Config(input_ops="image")


def test_it_is_served_by_a_process_that_has_tensorflow_alone(folder, tmp_path):
    images = pictures(2)
    np.save(tmp_path / "images.npy", images.astype(np.float32))
    (tmp_path / "one.png").write_bytes(encoded(images[1], "PNG"))
    script = textwrap.dedent(
        """
        import json, sys
        sys.modules["source"] = sys.modules["espalier"] = sys.modules["keras"] = None  # none of them can be imported
        import numpy as np
        import tensorflow as tf
        model = tf.saved_model.load(sys.argv[1])
        by_tensor = model.signatures["serving_default"](input_image=tf.constant(np.load("images.npy")))
        by_bytes = model.signatures["predict_bytes"](input_bytes=tf.constant([open("one.png", "rb").read()]))
        label = by_bytes["output_labels"].numpy()[0].decode()
        print(json.dumps([by_tensor["output_probabilities"].numpy().tolist(), label]))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    probabilities, label = json.loads(done.stdout.splitlines()[-1])
    here = tf.saved_model.load(folder).signatures["serving_default"](input_image=tf.constant(images, tf.float32))
    np.testing.assert_allclose(probabilities, here["output_probabilities"], rtol=1e-5, atol=1e-6)
    assert label == here["output_labels"].numpy()[1].decode()


def test_every_output_of_both_endpoints_is_compared_on_images_of_the_data(folder):
    report = json.loads(folder.with_name("1.report.json").read_text())
    assert (report["examples"], report["real_examples"], report["accepted"]) == (64, True, True)
    assert report["notes"] == [
        "Outputs compared, in this order: serving_default.output_classes, serving_default.output_probabilities, "
        "predict_bytes.output_classes, predict_bytes.output_labels, predict_bytes.output_probabilities."
    ]
    # The same kernels in the same order: nothing but the order of a sum of 20 products may differ.
    assert [each["relative"] <= 1e-6 for each in report["outputs"]] == [True] * 5


def test_images_are_made_up_where_there_are_none(parts, tmp_path):
    modeler, inputter = parts

    class Bare:
        image_shape, class_names = inputter.image_shape, inputter.class_names
        preprocess, decode = staticmethod(inputter.preprocess), staticmethod(inputter.decode)

    path = saved_model.build(Config(examples=3)).export(modeler, Bare(), tmp_path / "1")
    report = json.loads(path.with_name("1.report.json").read_text())
    assert (report["examples"], report["real_examples"]) == (3, False)


class Shifted:
    """A modeler whose classes, or probabilities, are others when they are computed in a graph."""

    def __init__(self, modeler, key, shift):
        self.model, self._modeler, self._key, self._shift = modeler.model, modeler, key, shift

    def predict_step(self, batch):
        predicted = self._modeler.predict_step(batch)
        if tf.executing_eagerly():
            return predicted
        return {**predicted, self._key: self._shift(predicted[self._key])}


@pytest.mark.parametrize(
    ("key", "shift"),
    [("classes", lambda classes: (classes + 1) % CLASSES), ("probabilities", lambda shares: shares[:, ::-1])],
)
def test_a_folder_that_answers_otherwise_is_renamed_and_nothing_else_is_left(parts, tmp_path, key, shift):
    modeler, inputter = parts
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("of the first")
    exporter = saved_model.build(Config(overwrite=True))
    with pytest.raises(ExportError, match=r"^saved_model: .* 0\.0001 is accepted\. It is left as .*1\.rejected\.$"):
        exporter.export(Shifted(modeler, key, shift), inputter, tmp_path / "1")
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "of the first"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"1", "1.rejected", "1.rejected.report.json"}
    # TensorFlow Serving takes every name that is a whole number for a version.
    assert [name for name in names if name.isdigit()] == ["1"]


def test_equal_probabilities_may_be_named_either_way(parts, tmp_path):
    modeler, inputter = parts
    equal = Shifted(modeler, "classes", lambda classes: (classes + 1) % CLASSES)
    equal._modeler = type("Equal", (), {"predict_step": staticmethod(_equal)})
    saved_model.build(Config()).export(equal, inputter, tmp_path / "1")


def _equal(batch):
    count = tf.shape(batch["image"])[0]
    return {"classes": tf.zeros([count], tf.int64), "probabilities": tf.fill([count, CLASSES], 1 / CLASSES)}


def test_the_names_of_all_classes_can_be_read_without_tensorflow(folder):
    assert json.loads((folder / "assets.extra" / "classes.json").read_text()) == list(NAMES)


def test_each_weight_is_written_once(folder, parts):
    stored = sum(4 * int(np.prod(shape)) for _, shape in tf.train.list_variables(folder / "variables" / "variables"))
    assert stored - 4 == sum(each.numpy().nbytes for each in parts[0].model.weights if each.path.count("seed") == 0)


@pytest.fixture(scope="module")
def rounded():
    """A model of two outputs with our own layers, a fake quantization, and inputs by name."""
    keras.utils.set_random_seed(3)
    one, two = keras.Input((4,), name="x"), keras.Input((2,), dtype="int32", name="y")
    inner = CalibratedQuantize(4, name="levels")(keras.layers.Dense(5, activation="relu")(one))
    fake = keras.quantizers.fake_quant_with_min_max_vars(inner, 0.0, 1.0)
    table = keras.layers.Flatten()(keras.layers.Embedding(5, 3)(two))
    outputs = {"b": keras.layers.Dense(3)(fake), "a": keras.layers.Concatenate()([fake, table])}
    return keras.Model({"y": two, "x": one}, outputs)


def inputs_by_name(count):
    random = np.random.default_rng(1)
    return [random.normal(size=(count, 4)).astype(np.float32), random.integers(0, 5, (count, 2)).astype(np.int32)]


@pytest.fixture(scope="module")
def bare(rounded, tmp_path_factory):
    return espalier.export(rounded, tmp_path_factory.mktemp("bare") / "2", examples=inputs_by_name(7))


def test_a_bare_model_has_its_own_inputs_and_outputs_by_name(bare, rounded):
    assert (bare.path.name, bare.examples, bare.relative) == ("2", 7, 0.0)
    signature = tf.saved_model.load(bare.path).signatures["serving_default"]
    assert sorted(signature.structured_input_signature[1]) == ["x", "y"]
    assert sorted(signature.structured_outputs) == ["a", "b"]
    for count in (1, 5):  # the batch is free
        x, y = inputs_by_name(count)
        answer = signature(x=tf.constant(x), y=tf.constant(y))
        np.testing.assert_array_equal(answer["b"], rounded({"x": x, "y": y})["b"])


def test_names_that_there_are_not_are_numbers_that_sort(tmp_path):
    inputs = [keras.Input((1,), name=f"n{11 - index}") for index in range(11)]
    model = keras.Model(inputs, [keras.layers.Rescaling(index)(each) for index, each in enumerate(inputs)])
    examples = [np.full((2, 1), index, np.float32) for index in range(11)]
    report = espalier.export(model, tmp_path / "m", examples=examples, kind="saved_model")
    assert report.relative == 0.0
    signature = tf.saved_model.load(report.path).signatures["serving_default"]
    assert sorted(signature.structured_input_signature[1]) == [f"input_{index:02}" for index in range(11)]
    assert sorted(signature.structured_outputs) == [f"output_{index:02}" for index in range(11)]


def test_a_sequential_model_that_was_never_called_is_written(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    assert espalier.export(model, tmp_path / "m").relative <= 1e-6


def test_outputs_of_a_bare_model_cannot_be_left_out(rounded, tmp_path):
    with pytest.raises(ConfigError, match=r"^output_ops: .* Received: output_ops=\('a',\)\."):
        espalier.export(rounded, tmp_path / "m", examples=inputs_by_name(2), output_ops="a")


def test_layers_of_ours_are_served_without_this_package(bare, tmp_path):
    x, y = inputs_by_name(3)
    np.savez(tmp_path / "inputs.npz", x=x, y=y)
    script = """
import sys
sys.modules["source"] = sys.modules["espalier"] = sys.modules["keras"] = None  # none of them can be imported
import numpy as np
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
answer = loaded.signatures["serving_default"](**{n: tf.constant(v) for n, v in np.load("inputs.npz").items()})
np.savez("outputs.npz", **{name: value.numpy() for name, value in answer.items()})
"""
    done = subprocess.run(
        [sys.executable, "-c", script, bare.path], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    here = tf.saved_model.load(bare.path).signatures["serving_default"](x=tf.constant(x), y=tf.constant(y))
    with np.load(tmp_path / "outputs.npz") as answers:
        for name, values in here.items():
            np.testing.assert_array_equal(answers[name], values)


def test_something_else_than_a_saved_model_is_never_replaced(parts, rounded, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    exporter = saved_model.build(Config(overwrite=True))
    for export in (lambda: exporter.export(*parts, tmp_path), lambda: exporter.export_model(rounded, tmp_path)):
        with pytest.raises(ConfigError, match=r"is no SavedModel, so it is not overwritten"):
            export()
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_settings_of_the_comparison_are_checked():
    with pytest.raises(ConfigError, match=r"`examples` must be positive\. Received: examples=0\."):
        Config(examples=0)
