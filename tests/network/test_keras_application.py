"""Tests of `keras.applications` as networks."""

import re

import keras
import numpy as np
import pytest

from source.config.errors import CheckpointError, ConfigError, UnknownNameError
from source.network import keras_application
from tests.network.counting import images, total, trainable

SMALL = {"application": "MobileNetV2", "alpha": 0.35}


def build(size=32, channels=3, **settings):
    return keras_application.build(keras_application.Config(**settings), images(size, size, channels))


def test_the_counts_are_those_of_keras_without_top_and_a_new_head():
    model = build(num_classes=7)
    assert trainable(model) == 2_223_872 + 1280 * 7 + 7
    assert total(model) == 2_257_984 + 1280 * 7 + 7


def test_the_applications_are_those_of_keras():
    names = keras_application.applications()
    assert {"MobileNetV2", "ResNet50", "EfficientNetB0", "ConvNeXtTiny", "VGG16"} <= set(names)
    assert all(name[0].isupper() for name in names)


def test_an_unknown_application_is_answered_with_the_nearest():
    message = r"application: `keras.applications` has no `MobilNetV2`. Did you mean `MobileNetV2`"
    with pytest.raises(UnknownNameError, match=message):
        build(application="MobilNetV2")


def test_the_model_is_flat_and_keeps_the_names_of_the_application():
    model = build(**SMALL)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    names = [layer.name for layer in model.layers]
    assert names[:3] == ["image", "input_rescaling", "Conv1"]
    assert names[-2:] == ["pool", "logits"]


def test_unnamed_layers_get_names_that_last():
    names = [[layer.name for layer in build(75, application="InceptionV3").layers] for _ in range(2)]
    assert names[0] == names[1]
    assert "conv2d_94" in names[0] and "conv2d" not in names[0]


@pytest.mark.parametrize(("pooling", "kind"), [("avg", "GlobalAveragePooling2D"), ("max", "GlobalMaxPooling2D")])
def test_the_pooling_can_be_chosen(pooling, kind):
    assert type(build(**SMALL, pooling=pooling).get_layer("pool")).__name__ == kind


def test_dropout_comes_before_the_head():
    assert build(**SMALL, dropout=0.4).get_layer("logits_dropout").rate == 0.4


def test_native_inputs_are_passed_as_they_are():
    assert build(**SMALL, input_convention="native").layers[1].name == "Conv1"


def test_weights_of_a_file_are_taken(tmp_path):
    keras.utils.set_random_seed(1)
    theirs = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None)
    path = tmp_path / "backbone.weights.h5"
    theirs.save_weights(path)
    ours = build(**SMALL, weights=path)
    kernels = [layer.name for layer in theirs.layers if layer.weights]
    assert len(kernels) == 104
    for name in kernels:
        mine, their = ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights()
        assert all(np.array_equal(*pair) for pair in zip(mine, their, strict=True))


def test_weights_of_a_file_are_taken_where_layers_are_renamed(tmp_path):
    theirs = keras.applications.Xception(input_shape=(71, 71, 3), include_top=False, weights=None, pooling="avg")
    path = tmp_path / "backbone.weights.h5"
    theirs.save_weights(path)
    ours = build(71, application="Xception", weights=str(path), input_convention="native")
    x = np.random.default_rng(0).uniform(-1, 1, (1, 71, 71, 3)).astype("float32")
    features = keras.Model(ours.input, ours.get_layer("pool").output)
    assert np.array_equal(features.predict(x, verbose=0), theirs.predict(x, verbose=0))


def test_a_missing_file_is_refused(tmp_path):
    path = str(tmp_path / "nothing.h5")
    message = f'`weights` must be None, "imagenet" or an existing file. Received: weights={path!r}.'
    with pytest.raises(CheckpointError, match=re.escape(message)):
        build(**SMALL, weights=path)


def test_a_file_of_something_else_is_refused(tmp_path):
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(b"not weights at all")
    with pytest.raises(CheckpointError, match="`weights` must hold the weights of MobileNetV2 without its top"):
        build(**SMALL, weights=str(broken))


def test_weights_of_another_width_are_refused(tmp_path):
    path = tmp_path / "wide.weights.h5"
    keras.applications.MobileNetV2((32, 32, 3), alpha=0.5, include_top=False, weights=None).save_weights(path)
    with pytest.raises(CheckpointError, match="which does not fit"):
        build(**SMALL, weights=str(path))


def test_imagenet_without_a_network_says_what_to_do(monkeypatch):
    def offline(*, include_top, weights, input_tensor, input_shape):
        raise Exception(f"URL fetch failure for {weights}")  # what `keras.utils.get_file` raises

    monkeypatch.setattr(keras.applications, "ResNet50", offline)
    with pytest.raises(ConfigError, match=r"`weights` must be a file, None, or .* failed: URL fetch failure"):
        build(application="ResNet50", weights="imagenet")


def test_other_failures_of_an_application_are_not_hidden(monkeypatch):
    def defective(**arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(keras.applications, "ResNet50", defective)
    with pytest.raises(ZeroDivisionError):
        build(application="ResNet50")


def test_a_width_is_refused_where_there_is_none():
    with pytest.raises(ConfigError, match=r"`alpha` must be left out for ResNet50.*Received: alpha=0.5\."):
        build(application="ResNet50", alpha=0.5)


def test_grey_images_are_refused():
    with pytest.raises(ConfigError, match="MobileNetV2: `inputs` must have 3 channels"):
        build(channels=1)


def test_an_image_too_small_for_the_application_is_refused():
    with pytest.raises(ConfigError, match=r"InceptionV3 cannot be built: .*75x75"):
        build(application="InceptionV3")


@pytest.mark.slow
@pytest.mark.parametrize("application", keras_application.applications())
def test_every_application_is_built_saved_and_loaded(application, tmp_path):
    if application in ("ConvNeXtXLarge", "ConvNeXtLarge", "NASNetLarge", "EfficientNetV2L"):
        pytest.skip("the smaller ones of its family stand for it")
    model = build(96, application=application, num_classes=3)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).uniform(0, 255, (1, 96, 96, 3)).astype("float32")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(model.predict(x, verbose=0), reloaded.predict(x, verbose=0))
    assert model.output_shape == (None, 3)
