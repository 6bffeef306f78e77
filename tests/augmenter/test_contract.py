"""The contract that every augmenter of the folder keeps; a new module is tested by being there."""

import dataclasses
import pkgutil
from types import ModuleType

import numpy as np
import pytest
import tensorflow as tf

from source import augmenter as room
from source.augmenter import random_key
from source.config import plugin
from source.config.errors import ConfigError
from source.config.settings import from_mapping, to_mapping

NAMES = plugin.available("augmenter")
MODULES = {name: plugin.resolve("augmenter", name) for name in NAMES}
IMAGE = [name for name, module in MODULES.items() if hasattr(module, "augment")]
BATCH = [name for name in IMAGE if hasattr(MODULES[name], "augment_batch")]
MIXERS = [name for name, module in MODULES.items() if hasattr(module, "augment_batch_labels")]
FIXED = {"normalize"}  # the same in training as in evaluation
HEIGHT, WIDTH = 28, 30


def test_every_module_of_the_folder_is_a_plugin_of_a_known_kind():
    files = {info.name for info in pkgutil.iter_modules(room.__path__) if not info.name.startswith("_")}
    assert files - {"random_key"} <= set(NAMES)
    assert set(NAMES) == {*IMAGE, *MIXERS}


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_frozen_documented_and_survive_a_mapping(name: str):
    module = MODULES[name]
    config = module.Config()
    assert module.__doc__ and module.build.__doc__
    for field in dataclasses.fields(config):
        assert f"        {field.name}: " in module.Config.__doc__, field.name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, field.name, None)
    assert from_mapping(module.Config, to_mapping(config)) == config


def training_graph(module: ModuleType):
    """Returns the training form of one image, as a function of image and key."""
    return lambda image, key: module.augment(image, HEIGHT, WIDTH, is_training=True, key=key)


@pytest.mark.parametrize("name", IMAGE)
def test_one_image_is_the_same_eagerly_compiled_and_in_a_dataset(name: str, images: np.ndarray, keys: tf.Tensor):
    augment = training_graph(MODULES[name])
    eager = np.stack([augment(image, key) for image, key in zip(images, keys, strict=True)])
    assert eager.dtype == np.float32 and eager.shape == (12, HEIGHT, WIDTH, 3)
    assert np.all(np.isfinite(eager))
    compiled = tf.function(augment)
    np.testing.assert_array_equal(np.stack([compiled(*pair) for pair in zip(images, keys, strict=True)]), eager)
    data = tf.data.Dataset.from_tensor_slices((images, keys)).map(augment, num_parallel_calls=2)
    assert data.element_spec == tf.TensorSpec((HEIGHT, WIDTH, 3), tf.float32)
    np.testing.assert_array_equal(np.stack(list(data)), eager)


@pytest.mark.parametrize("name", IMAGE)
def test_images_of_unknown_size_get_a_static_shape(name: str, images: np.ndarray, keys: tf.Tensor):
    augment = training_graph(MODULES[name])
    spec = tf.TensorSpec((None, None, 3), tf.uint8)
    data = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=spec)
    data = tf.data.Dataset.zip((data, tf.data.Dataset.from_tensor_slices(keys))).map(augment)
    assert data.element_spec.shape == (HEIGHT, WIDTH, 3)
    expected = [augment(image, key) for image, key in zip(images, keys, strict=True)]
    np.testing.assert_array_equal(np.stack(list(data)), expected)
    preprocess = tf.function(lambda x: MODULES[name].preprocess(x, HEIGHT, WIDTH), input_signature=[spec])
    np.testing.assert_array_equal(preprocess(images[0]), MODULES[name].preprocess(images[0], HEIGHT, WIDTH))


@pytest.mark.parametrize("name", BATCH)
def test_the_batch_form_is_the_stack_of_single_images(name: str, images: np.ndarray, keys: tf.Tensor):
    module = MODULES[name]
    single = [training_graph(module)(image, key) for image, key in zip(images, keys, strict=True)]

    def augment_batch(batch, batch_keys):
        return module.augment_batch(batch, HEIGHT, WIDTH, is_training=True, keys=batch_keys)

    np.testing.assert_array_equal(augment_batch(images, keys), single)
    for size in (5, 12):
        data = tf.data.Dataset.from_tensor_slices((images, keys)).batch(size).map(augment_batch)
        assert data.element_spec.shape == (None, HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(np.concatenate(list(data)), single)
    evaluated = module.augment_batch(images, HEIGHT, WIDTH)
    np.testing.assert_array_equal(evaluated, module.preprocess(images, HEIGHT, WIDTH))
    with pytest.raises(ConfigError, match="`keys` must be given when is_training=True"):
        module.augment_batch(images, HEIGHT, WIDTH, is_training=True)


@pytest.mark.parametrize("name", IMAGE)
def test_the_key_alone_decides(name: str, images: np.ndarray):
    augment = tf.function(training_graph(MODULES[name]))
    same = [augment(images[0], random_key.fold(1, 0, 0)).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)
    others = [augment(images[0], random_key.fold(1, 0, index)).numpy() for index in range(1, 7)]
    distinct = {other.tobytes() for other in (*others, same[0])}
    assert len(distinct) == (1 if name in FIXED else 7)


@pytest.mark.parametrize("name", IMAGE)
def test_evaluation_and_speed_mode_are_preprocess_for_one_image_or_many(name: str, images: np.ndarray):
    module = MODULES[name]
    batch = module.preprocess(images, HEIGHT, WIDTH)
    assert batch.dtype == tf.float32 and batch.shape == (12, HEIGHT, WIDTH, 3)
    for image, expected in zip(images, batch, strict=True):
        np.testing.assert_array_equal(module.preprocess(image, HEIGHT, WIDTH), expected)
    np.testing.assert_array_equal(module.augment(images[0], HEIGHT, WIDTH), batch[0])
    fast = module.augment(images[0], HEIGHT, WIDTH, is_training=True, speed_mode=True)
    np.testing.assert_array_equal(fast, batch[0])


@pytest.mark.parametrize("name", IMAGE)
def test_float_pixels_give_what_their_codes_give(name: str, images: np.ndarray, keys: tf.Tensor):
    augment = training_graph(MODULES[name])
    np.testing.assert_array_equal(augment(images[0].astype(np.float32), keys[0]), augment(images[0], keys[0]))


@pytest.mark.parametrize("name", IMAGE)
@pytest.mark.parametrize("channels", [1, 4])
def test_other_numbers_of_channels_are_augmented_too(name: str, channels: int, keys: tf.Tensor):
    module = MODULES[name]
    config = dataclasses.replace(module.Config(), normalization="unit") if name != "compose" else module.Config()
    image = tf.ones((HEIGHT, WIDTH, channels), tf.uint8)
    result = module.build(config).augment(image, HEIGHT, WIDTH, is_training=True, key=keys[0])
    assert result.shape == (HEIGHT, WIDTH, channels)


@pytest.mark.parametrize("name", IMAGE)
def test_what_cannot_be_is_refused(name: str, images: np.ndarray, keys: tf.Tensor):
    module = MODULES[name]
    with pytest.raises(ConfigError, match=r"`output_height` must be positive. Received: output_height=0."):
        module.augment(images[0], 0, WIDTH)
    with pytest.raises(ConfigError, match=r"`output_width` must be positive. Received: output_width=-2."):
        module.preprocess(images, HEIGHT, -2)
    with pytest.raises(ConfigError, match=r"must have the shape \(h, w, c\) with a known c. Received: shape="):
        module.augment(images, HEIGHT, WIDTH)
    with pytest.raises(ConfigError, match="`key` must be given when is_training=True"):
        module.augment(images[0], HEIGHT, WIDTH, is_training=True)
    with pytest.raises(ConfigError, match=r"`key` must be uint64 of rank 0.* Received: dtype=uint64, shape="):
        module.augment(images[0], HEIGHT, WIDTH, is_training=True, key=keys)
    with pytest.raises(ConfigError, match=r"`key` must be uint64 of rank 0.* Received: dtype=int32"):
        module.augment(images[0], HEIGHT, WIDTH, is_training=True, key=tf.constant(3))


@pytest.mark.parametrize("name", MIXERS)
def test_a_mixer_is_the_same_eagerly_compiled_and_in_a_dataset(name: str, images: np.ndarray, keys: tf.Tensor):
    module = MODULES[name]
    pixels, labels = images.astype(np.float32), np.arange(12) % 4

    def mix(batch, batch_labels, batch_keys):
        return module.augment_batch_labels(batch, batch_labels, batch_keys, 4)

    mixed, soft = mix(pixels, labels, keys)
    assert mixed.dtype == soft.dtype == tf.float32
    assert mixed.shape == (12, 32, 32, 3) and soft.shape == (12, 4)
    np.testing.assert_allclose(np.sum(soft, axis=1), np.ones(12), atol=2e-7)  # two float32 roundings
    assert mixed.numpy().min() >= 0 and mixed.numpy().max() <= 255
    data = tf.data.Dataset.from_tensor_slices((pixels, labels, keys)).batch(12).map(mix)
    assert data.element_spec[0].shape == (None, 32, 32, 3) and data.element_spec[1].shape == (None, 4)
    for other in (tf.function(mix)(pixels, labels, keys), next(iter(data)), mix(pixels, labels, keys)):
        np.testing.assert_array_equal(other[0], mixed)
        np.testing.assert_array_equal(other[1], soft)


@pytest.mark.parametrize("name", MIXERS)
def test_a_mixer_mixes_otherwise_for_other_keys(name: str, images: np.ndarray):
    pixels, labels = images.astype(np.float32), np.arange(12) % 4
    mix = tf.function(lambda keys: MODULES[name].augment_batch_labels(pixels, labels, keys, 4))
    results = [mix(random_key.fold(0, epoch, tf.range(12)))[0].numpy().tobytes() for epoch in range(5)]
    assert len(set(results)) == 5
