"""The contract of a network plugin, run for every module in the room."""

import dataclasses
import importlib
import re

import keras
import numpy as np
import pytest

from source.config import plugin
from source.config.config import NetworkConfig
from source.config.errors import ConfigError
from tests.network.counting import images

# The model is the user's, and its names, head and regularisers with it.
GIVEN = ["keras_file"]
MEMBERS = [name for name in plugin.available("network") if name not in GIVEN]
# Inputs for members that cannot be built on a 32x32 RGB image.
SHAPES = {"lenet5": (28, 28, 1), "inception_v4": (75, 75, 3)}
# The longest three are `resnet20` and `resnet32` with more of the same blocks.
LONG = {"resnet44", "resnet56", "resnet110"}
CLASSES = 7
# Settings without which a member makes no network: a small one, with a module, a join and a normalization.
SETTINGS = {
    "yaml_graph": {
        "layers": {
            "block": {
                "type": "module",
                "kwargs": {"filters": 4},
                "layers": {
                    "conv": {
                        "type": "convolution",
                        "filters": "^(filters)",
                        "kernel_size": 3,
                        "padding": 1,
                        "strides": 2,
                        "batch_normalization": {},
                        "activation": "relu",
                    },
                    "twice": {"type": "add"},
                },
                "graph": [
                    {"from": "input", "with": "conv"},
                    {"from": ["conv", "conv"], "with": "twice", "to": "output"},
                ],
            },
            "pool": {"type": "average_pool", "pool_size": "global"},
            "flat": {"type": "flatten"},
            "logits": {"type": "fully_connected", "units": "^(num_classes)"},
        },
        "graph": {"from": "input", "with": ["block", "pool", "flat", "logits"], "to": "output"},
    }
}


def build(name: str) -> keras.Model:
    module = plugin.resolve("network", name)
    return module.build(module.Config(num_classes=CLASSES, **SETTINGS.get(name, {})), images(*shape(name)))


def shape(name: str) -> tuple[int, int, int]:
    return SHAPES.get(name, (32, 32, 3))


def batch(name: str, size: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (size, *shape(name))).astype("float32")


def logits(model: keras.Model, name: str) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(batch(name), training=False))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in MEMBERS],
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    keras.utils.set_random_seed(0)
    return build(name)


@pytest.fixture(scope="module")
def again(name, model):
    """Returns a second model of the same process, from the configuration that all networks share if that is enough."""
    module = plugin.resolve("network", name)
    if name in SETTINGS:
        return build(name)
    return module.build(NetworkConfig(num_classes=CLASSES), images(*shape(name)))


def test_the_members_are_the_documented_ones():
    assert sorted(MEMBERS + GIVEN) == [
        "cifarnet",
        "inception_v4",
        "keras_application",
        "keras_file",
        "lenet5",
        "resnet110",
        "resnet18",
        "resnet20",
        "resnet32",
        "resnet44",
        "resnet56",
        "resnet8",
        "resnet_v2_32",
        "vgg_cifar",
        "yaml_graph",
    ]


def test_the_config_extends_the_rooms_and_documents_every_field(name):
    config = plugin.resolve("network", name).Config
    assert issubclass(config, NetworkConfig)
    documentation = "\n".join(base.__doc__ or "" for base in config.__mro__)
    undocumented = [f.name for f in dataclasses.fields(config) if f"        {f.name}: " not in documentation]
    assert undocumented == []


def test_the_configuration_of_the_room_is_enough(again):
    """But for members that `SETTINGS` names."""
    assert again.output_shape == (None, CLASSES)


def test_the_model_maps_images_to_float32_logits(name, model):
    assert type(model).__name__ == "Functional"
    assert model.input_shape == (None, *shape(name))
    assert model.output_shape == (None, CLASSES)
    assert logits(model, name).dtype == np.float32
    assert np.isfinite(logits(model, name)).all()


def test_the_logits_are_not_yet_probabilities(model):
    assert model.layers[-1].activation is keras.activations.linear


def test_the_head_is_called_logits_in_every_network(model):
    head = model.get_layer("logits")
    assert model.layers[-1] is head
    assert [weight.path for weight in head.weights] == ["logits/kernel", "logits/bias"]


def test_the_logits_are_float32_under_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build(name)
    finally:
        keras.config.set_dtype_policy("float32")
    convolutions = [layer for layer in mixed.layers if type(layer) is keras.layers.Conv2D]
    assert {layer.compute_dtype for layer in convolutions} == {"bfloat16"}
    assert {weight.dtype for weight in mixed.trainable_weights} == {"float32"}
    assert mixed.output.dtype == "float32"


def test_names_are_unique_and_the_same_in_every_build(model, again):
    names = [layer.name for layer in model.layers]
    paths = [weight.path for weight in model.weights]
    assert len(set(names)) == len(names)
    assert len(set(paths)) == len(paths)
    assert [layer.name for layer in again.layers] == names
    assert [weight.path for weight in again.weights] == paths


def test_no_layer_is_named_by_a_counter_of_the_process(name, model):
    if name == "keras_application":
        pytest.skip("Keras names these layers; that the names last is tested above")
    kinds = "conv2d|batch_normalization|re_lu|dense|add|dropout|flatten|concatenate|\\w+_pooling2d|zero_padding2d"
    automatic = [layer.name for layer in model.layers if re.fullmatch(rf"({kinds})(_\d+)?", layer.name)]
    assert automatic == []
    assert all(isinstance(operation, keras.Layer) for operation in model.operations)


def test_a_saved_model_needs_none_of_our_code(name, model, tmp_path):
    assert '"source.' not in model.to_json()
    path = tmp_path / "model.keras"
    model.save(path)
    reloaded = keras.models.load_model(path)
    assert np.array_equal(logits(model, name), logits(reloaded, name))
    assert [layer.name for layer in reloaded.layers] == [layer.name for layer in model.layers]


def test_every_trainable_weight_has_a_gradient(name, model):
    tensorflow = importlib.import_module("tensorflow")
    labels = keras.ops.array([0, 1])
    with tensorflow.GradientTape() as tape:
        outputs = model(batch(name), training=True)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, outputs, from_logits=True))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    missing = [w.path for w, g in zip(model.trainable_weights, gradients, strict=True) if g is None]
    assert missing == []
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_regularisation_is_left_to_the_modeler(model):
    kinds = ("kernel_regularizer", "bias_regularizer", "beta_regularizer", "gamma_regularizer")
    assert model.losses == []
    assert all(getattr(layer, kind, None) is None for layer in model.layers for kind in kinds)


def test_inputs_that_are_no_images_are_refused(name):
    module = plugin.resolve("network", name)
    with pytest.raises(ConfigError, match=r"`inputs` must be images \(b, h, w, c\).*shape=\(None, 5\)"):
        module.build(module.Config(), keras.Input((5,)))


def test_an_unknown_setting_is_refused(name):
    with pytest.raises(ConfigError, match=r"num_clases: unknown setting. Did you mean `num_classes`\?"):
        plugin.resolve("network", name).Config(num_clases=3)
