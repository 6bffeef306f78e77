"""Tests of exported SavedModels: endpoints, batches, labels, bytes, and a process without this package."""

import io
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from source.config.errors import ConfigError
from source.exporter import saved_model
from source.exporter.saved_model import Config
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
