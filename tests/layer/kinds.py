"""One small model for every kind of layer and of wiring that compression has to get along with."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from source.layer import weight_paths
from source.layer.transformation import Transformation
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped

IMAGE, SERIES = (6, 6, 3), (5, 4)


@keras.saving.register_keras_serializable(package="tests.layer")
class Same(Transformation):
    """x itself, in float32: what changes nothing shows what the wrapper changes."""

    def build(self, input_shape):
        super().build(input_shape)
        self.factor = self.add_weight(name="factor", shape=(), initializer="ones", trainable=False)

    def transform(self, x, training):
        return x * ops.convert_to_tensor(self.factor)

    def get_config(self):
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="tests.layer")
class Half(Same):
    """x / 2."""

    def transform(self, x, training):
        return x * ops.convert_to_tensor(self.factor) * 0.5


@keras.saving.register_keras_serializable(package="tests.layer")
class Seen(Same):
    """x itself, which it keeps to be looked at, and whether it was in training."""

    def transform(self, x, training):
        self.seen, self.flag = x, training
        return x


@keras.saving.register_keras_serializable(package="tests.layer")
class Scale(layers.Layer):
    """A layer of somebody else, with `get_config`."""

    def __init__(self, start: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 1), initializer="random_normal")

    def call(self, x):
        return x * ops.transpose(self.kernel) * self.start

    def get_config(self):
        return {**super().get_config(), "start": self.start}


@keras.saving.register_keras_serializable(package="tests.layer")
class TwoOutputs(layers.Layer):
    """A layer of two inputs and two outputs, by name, one of them an integer."""

    def build(self, *shapes, **more):
        self.kernel = self.add_weight(name="kernel", shape=(4, 4), initializer="random_normal")

    def call(self, first, second=None):
        both = first @ self.kernel + second
        return both, ops.argmax(both, axis=-1)


@keras.saving.register_keras_serializable(package="tests.layer")
class WithoutBuild(layers.Layer):
    """A layer of layers that are built when they are first called."""

    def __init__(self, width: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.attention = layers.MultiHeadAttention(2, 3, name="attention")
        self.norm = layers.LayerNormalization(name="norm")
        self.both = keras.Sequential([layers.Dense(width, "relu", name="up"), layers.Dense(4, name="down")])

    def call(self, x, training=None):
        x = self.norm(x + self.attention(x, x, training=training))
        return x + self.both(x)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="tests.layer")
class Block(keras.Model):
    """A model written as a class."""

    def __init__(self, width: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.first = layers.Dense(width, activation="relu", name="first")
        self.norm = layers.BatchNormalization(name="norm")
        self.last = layers.Dense(4, name="last")

    def build(self, shape):
        self.first.build(shape)
        self.norm.build((*shape[:-1], self.width))
        self.last.build((*shape[:-1], self.width))
        self.built = True

    def call(self, x, training=None):
        return self.last(self.norm(self.first(x), training=training))

    def compute_output_shape(self, shape):
        return (*shape[:-1], 4)

    def get_config(self):
        return {"width": self.width, "name": self.name}


def _chain(shape: tuple[int, ...], *parts: Callable, dtype: str = "float32") -> keras.Model:
    inputs = x = keras.Input(shape, dtype=dtype)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def _attention_by_name() -> keras.Model:
    query, value = keras.Input(SERIES), keras.Input((3, 4))
    layer = layers.MultiHeadAttention(2, 3, dropout=0.3, name="it")
    return keras.Model([query, value], layer(query=query, value=value, key=value))


def _attention_scores() -> keras.Model:
    x = keras.Input(SERIES)
    return keras.Model(x, list(layers.MultiHeadAttention(2, 3, name="it")(x, x, return_attention_scores=True)))


def _text(recurrent: Callable) -> keras.Model:
    words = keras.Input((7,), dtype="int32")
    x = layers.Embedding(11, 4, mask_zero=True, name="embedding")(words)
    return keras.Model(words, layers.Dense(3, name="dense")(recurrent(x)))


def _with_state() -> keras.Model:
    x, state = keras.Input(SERIES), keras.Input((3,))
    sequence, last = layers.GRU(3, return_state=True, return_sequences=True, name="it")(x, initial_state=state)
    return keras.Model([x, state], [sequence, last])


def _several() -> keras.Model:
    first, second = keras.Input((4,)), keras.Input((4,))
    return keras.Model([first, second], list(TwoOutputs(name="it")(first, second=second)))


def _shared() -> keras.Model:
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    dense = layers.Dense(4, name="it")
    return keras.Model([first, second], dense(dense(first)) - dense(second))


def _residual() -> keras.Model:
    x = keras.Input(IMAGE)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="one")(x)
    y = ops.relu(layers.Conv2D(4, 3, padding="same", name="two")(y) + y) * 0.5
    y = ops.reshape(ops.mean(y, axis=(1, 2)), (-1, 2, 2))
    return keras.Model(x, layers.Dense(2, name="three")(ops.concatenate([y, ops.flip(y, axis=1)], axis=-1)))


def _nested() -> keras.Model:
    inner = _chain((4,), layers.Dense(5, name="deep"), layers.BatchNormalization(name="norm"))
    sequence = keras.Sequential([keras.Input((5,)), layers.Dense(3, name="low"), layers.Dropout(0.5)])
    x = keras.Input((4,))
    return keras.Model(x, sequence(keras.Model(inner.input, inner.output, name="inner")(x)))


def _regularized() -> keras.Model:
    dense = layers.Dense(
        3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer=keras.regularizers.L2(0.1), name="it"
    )
    return _chain((4,), dense, layers.ActivityRegularization(l1=0.2))


def _convolution(kind: str, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> Callable[[], keras.Model]:
    return lambda: _chain(shape, getattr(layers, kind)(*args, name="it", **kwargs))


MODELS: dict[str, Callable[[], keras.Model]] = {
    "dense": lambda: _chain((4,), layers.Dense(3, activation="relu", name="it")),
    "dense_sequence": lambda: _chain(SERIES, layers.Dense(3, activation=keras.activations.gelu, name="it")),
    "conv1d": _convolution("Conv1D", SERIES, 3, 2),
    "conv2d": _convolution("Conv2D", IMAGE, 4, 3, strides=2, padding="same", activation="relu"),
    "conv2d_groups": _convolution("Conv2D", (6, 6, 4), 4, 3, groups=2),
    "conv3d": _convolution("Conv3D", (4, 4, 4, 2), 3, 2),
    "depthwise1d": _convolution("DepthwiseConv1D", SERIES, 2, depth_multiplier=2),
    "depthwise2d": _convolution("DepthwiseConv2D", IMAGE, 3),
    "separable1d": _convolution("SeparableConv1D", SERIES, 3, 2),
    "separable2d": _convolution("SeparableConv2D", IMAGE, 4, 3),
    "transposed1d": _convolution("Conv1DTranspose", SERIES, 3, 2, strides=2),
    "transposed2d": _convolution("Conv2DTranspose", IMAGE, 4, 3, strides=2, padding="same"),
    "transposed3d": _convolution("Conv3DTranspose", (3, 3, 3, 2), 3, 2),
    "einsum": lambda: _chain(SERIES, layers.EinsumDense("btd,dhk->bthk", (5, 2, 3), bias_axes="hk", name="it")),
    "embedding": lambda: _text(layers.GlobalAveragePooling1D()),
    "lstm": lambda: _text(layers.LSTM(3, name="it")),
    "gru_dropout": lambda: _text(layers.GRU(3, dropout=0.4, recurrent_dropout=0.3, name="it")),
    "simple_rnn": lambda: _text(layers.SimpleRNN(3, name="it")),
    "bidirectional": lambda: _text(layers.Bidirectional(layers.LSTM(3), name="it")),
    "stacked_cells": lambda: _text(layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], name="it")),
    "conv_lstm": _convolution("ConvLSTM2D", (3, 5, 5, 2), 2, 3),
    "time_distributed": lambda: _chain((2, *IMAGE), layers.TimeDistributed(layers.Conv2D(2, 3), name="it")),
    "attention": lambda: _chain(SERIES, lambda x: layers.MultiHeadAttention(2, 3, name="it")(x, x)),
    "attention_causal": lambda: _chain(
        SERIES, lambda x: layers.MultiHeadAttention(2, 3, name="it")(x, x, use_causal_mask=True)
    ),
    "attention_by_name": _attention_by_name,
    "attention_scores": _attention_scores,
    "grouped_attention": lambda: _chain(SERIES, lambda x: layers.GroupQueryAttention(3, 4, 2, name="it")(x, x)),
    "batch_norm": lambda: _chain(IMAGE, layers.BatchNormalization(name="it")),
    "layer_norm": lambda: _chain(SERIES, layers.LayerNormalization(name="it")),
    "group_norm": lambda: _chain((4, 4, 4), layers.GroupNormalization(2, name="it")),
    "prelu": lambda: _chain(IMAGE, layers.PReLU(shared_axes=[1, 2], name="it")),
    "spectral_norm": lambda: _chain((4,), layers.SpectralNormalization(layers.Dense(3), name="it")),
    "dropout": lambda: _chain((16,), layers.Dense(8, name="it"), layers.Dropout(0.5, name="dropout")),
    "noise": lambda: _chain((4,), layers.GaussianNoise(0.5, seed=3), layers.Dense(3, name="it")),
    "regularized": _regularized,
    "masked": lambda: _chain(SERIES, layers.Masking(), layers.Dense(3, name="dense"), layers.LSTM(2, name="it")),
    "state": _with_state,
    "several": _several,
    "shared": _shared,
    "residual": _residual,
    "nested": _nested,
    "sequential": lambda: keras.Sequential(
        [keras.Input(IMAGE), layers.Conv2D(3, 3, name="one"), layers.Flatten(), layers.Dense(2, name="two")]
    ),
    "custom": lambda: _chain((4,), Scale(3.0, name="it"), layers.Dense(2, name="dense")),
    "without_build": lambda: _chain(SERIES, WithoutBuild(name="it")),
    "class_as_layer": lambda: _chain((4,), Block(name="it")),
    "lambda": lambda: _chain((4,), layers.Lambda(lambda x: x * 2.0), layers.Dense(3, name="it")),
}


def batch_for(model: keras.Model, size: int = 3, seed: int = 0) -> Any:
    """Returns inputs of a model: normal numbers, or words, the last of them 0, which is a mask's padding."""
    source = np.random.default_rng(seed)

    def drawn(each: keras.KerasTensor) -> np.ndarray:
        shape = (size, *each.shape[1:])
        if "int" not in each.dtype:
            return source.normal(size=shape).astype(np.float32)
        words = source.integers(1, 11, shape).astype(np.int32)
        words[:, -2:] = 0
        return words

    drawn = [drawn(each) for each in model.inputs]
    return drawn if len(drawn) > 1 else drawn[0]


def scrambled(model: keras.Model, seed: int = 1) -> keras.Model:
    """Returns the model with weights that are no longer those of a fresh one: biases and statistics are not 0 and 1."""
    source = np.random.default_rng(seed)
    for variable in model.weights:
        if keras.backend.is_float_dtype(variable.dtype):
            variable.assign(np.abs(source.normal(0.5, 0.3, variable.shape)) + np.asarray(variable) * 0.5)
    return model


def made(name: str) -> keras.Model:
    """Returns the model of a kind, the same at every call."""
    keras.utils.set_random_seed(5)
    return scrambled(MODELS[name]())


def float_paths(layer: keras.layers.Layer) -> Iterator[str]:
    """Yields the paths of the floating point weights of a layer."""
    for path, variable in weight_paths.of(layer).items():
        if keras.backend.is_float_dtype(variable.dtype) and variable.trainable:
            yield path


def seen_through(make: Callable[[], Transformation], model: keras.Model) -> keras.Model:
    """Returns a copy of a model whose trainable weights are each seen through a transformation."""

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        paths = list(float_paths(layer))
        return wrapped(layer, weights={path: [make()] for path in paths}) if paths else None

    return rewrite(model, replace)


def arrays(values: Any) -> list[np.ndarray]:
    """Returns the tensors or variables of a structure as arrays, which later assignments do not change."""
    return [np.array(ops.convert_to_numpy(each)) for each in keras.tree.flatten(values)]


def equal(found: Any, expected: Any) -> bool:
    """Returns whether two structures hold the same bits, as many and of the same shapes."""
    pairs = list(zip(arrays(found), arrays(expected), strict=True))
    return all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)


def named_weights(model: keras.Model) -> list[str]:
    """Returns the paths of the weights, without seeds, which Keras numbers, and without sequential models' names."""
    paths = [variable.path for variable in model.weights if "seed_generator" not in variable.path]
    return [re.sub(r"sequential(_\d+)?/", "", path) for path in paths]
