"""What the contract suites of compressors need to know of each plugin, and the models that they prepare."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

STEPS = 4  # in an epoch of `fit`


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """How a plugin is tested.

    Attributes:
        settings: such that all that is scheduled happens within 4 steps.
        more: returns settings that are made with Keras.
        unchanged: whether a prepared model has the outputs of the given one until the first step.
        tolerance: of the outputs of the finished model against those of the prepared one, absolute; with its origin.
        calibrated: whether `prepare` is given inputs.
        takes_rules: whether the plugin chooses weights by rules.
        models: names in `MODELS` that the plugin can prepare; the first is tested at length.
    """

    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    more: Callable[[], dict[str, Any]] = dict
    unchanged: bool = False
    tolerance: float = 0.0
    calibrated: bool = False
    takes_rules: bool = True
    models: tuple[str, ...] = ("image", "text", "attention")


SCHEDULE = {"begin_step": 0, "end_step": 4, "every_steps": 2}

CHANNELS = ("image", "text")

# A new plugin joins the contract suites by its line here.
CASES: dict[str, Case] = {
    "magnitude_pruning": Case(settings={"sparsity": 0.75, **SCHEDULE}, unchanged=True),
    "dynamic_network_surgery": Case(settings={**SCHEDULE}, unchanged=True),
    "structured_sparsity": Case(settings={**SCHEDULE}, unchanged=True),
    "filter_masking": Case(settings={"sparsity": 0.5, **SCHEDULE}, unchanged=True, models=("image", "attention")),
    "quantize_aware": Case(),
    "quantize_post_training": Case(calibrated=True),
    "mixed_precision": Case(settings={"rules": [{"match": {"name": "logits"}, "do": {"weights": "int4<channel>"}}]}),
    "incremental_quantization": Case(settings={"portions": (0.5, 1.0), "every_steps": 2}, unchanged=True),
    "weight_clustering": Case(
        settings={"assignments": "refreshed", "gradient": "mean", "every_steps": 2, "end_step": 4}, unchanged=True
    ),
    "focused_quantization": Case(settings={"refit_steps": 2, "end_step": 4}, unchanged=True),
    # Fewer products are added up in another order: float32 rounds numbers near 1 by 6e-8.
    "filter_pruning": Case(settings={**SCHEDULE}, unchanged=True, tolerance=2e-6, models=CHANNELS),
    "network_slimming": Case(
        settings={"strength": 1e-3, **SCHEDULE}, unchanged=True, tolerance=2e-6, models=("image",)
    ),
    "channel_search": Case(settings={"portions": 2}, unchanged=True, tolerance=2e-6, calibrated=True, models=CHANNELS),
    "feature_boosting": Case(settings={"density": 0.5, **SCHEDULE}, tolerance=1e-6, models=("image",)),
    # Two layers add up in another order than one with the product: float32 rounds numbers near 1 by 6e-8.
    "low_rank": Case(settings={"ratio": 0.9}, tolerance=2e-6),
    "approximated_operators": Case(settings={"rule_set": "basic"}, models=("attention",)),
    "layer_formats": Case(settings={"rule_set": "basic"}),
    # Sums over fewer channels come in another order.
    "morphnet": Case(
        settings={"end_step": 4, "every_steps": 2}, unchanged=True, tolerance=2e-6, models=("image", "attention")
    ),
    "distillation": Case(more=lambda: {"teacher": teacher()}, unchanged=True, takes_rules=False, models=("image",)),
    "chain": Case(
        more=lambda: {
            "members": [
                {"name": "magnitude_pruning", "sparsity": 0.75, **SCHEDULE},
                {"name": "quantize_aware"},
                {"name": "distillation", "teacher": teacher()},
            ]
        },
        takes_rules=False,
        models=("image",),
    ),
}


@functools.cache
def teacher() -> keras.Model:
    """Returns another model for images."""
    keras.utils.set_random_seed(11)
    return image()


def image() -> keras.Model:
    """Returns convolutions with batch normalization, a residual sum, and a dense layer."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.Activation("relu", name="relu")(layers.BatchNormalization(name="stem_norm")(x))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    y = layers.Conv2D(8, 1, name="pointwise")(y)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="sum")([x, y]))
    return keras.Model(inputs, layers.Dense(4, name="logits")(x))


def text() -> keras.Model:
    """Returns a table of words with padding, an LSTM and a dense layer."""
    words = keras.Input((6,), dtype="int32")
    x = layers.LSTM(8, name="lstm")(layers.Embedding(16, 8, mask_zero=True, name="table")(words))
    return keras.Model(words, layers.Dense(4, name="logits")(x))


def attention() -> keras.Model:
    """Returns a block of a transformer."""
    inputs = keras.Input((6, 8))
    x = layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    x = y = layers.LayerNormalization(name="norm")(x + inputs)
    y = layers.Dense(8, name="down")(layers.Dense(16, activation="gelu", name="up")(y))
    return keras.Model(inputs, layers.Dense(4, name="logits")(layers.GlobalAveragePooling1D()(x + y)))


MODELS: dict[str, Callable[[], keras.Model]] = {"image": image, "text": text, "attention": attention}


def made(name: str) -> keras.Model:
    """Returns a model, the same at every call, whose statistics are not those of a fresh one."""
    keras.utils.set_random_seed(7)
    model = MODELS[name]()
    model(batch_for(model, 32), training=True)
    return model


def batch_for(model: keras.Model, size: int, seed: int = 0) -> np.ndarray:
    """Returns inputs of a model: normal numbers, or words of which some are padding."""
    source, shape = np.random.default_rng(seed), (size, *model.input_shape[1:])
    if "int" in model.inputs[0].dtype:
        words = source.integers(1, 16, shape).astype(np.int32)
        words[::2, -2:] = 0
        return words
    return source.normal(size=shape).astype(np.float32)


def compiled(model: keras.Model, **settings: Any) -> keras.Model:
    """Returns the model, compiled with an optimizer that has a state."""
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", **settings)
    return model


def fit(model: keras.Model, callback: keras.callbacks.Callback, epochs: int = 1, initial_epoch: int = 0) -> list[float]:
    """Trains for 4 steps an epoch on the same numbers in the same order; returns the losses."""
    x = batch_for(model, STEPS * 4, seed=3)
    y = np.random.default_rng(4).normal(size=(STEPS * 4, model.output_shape[-1])).astype(np.float32)
    settings = {"batch_size": 4, "shuffle": False, "verbose": 0, "callbacks": [callback]}
    return model.fit(x, y, epochs=epochs, initial_epoch=initial_epoch, **settings).history["loss"]
