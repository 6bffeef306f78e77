"""Models whose masks can be worked out by hand, and the few steps of training that their compressors follow."""

from pathlib import Path

import keras
import numpy as np

from source.layer.load_model import load_model

STEPS = 4  # in an epoch


def dense(*kernels, names="abc") -> keras.Model:
    """Returns dense layers without biases, called `a`, `b`, ..., with these kernels."""
    inputs = x = keras.Input((len(kernels[0]),))
    for name, kernel in zip(names, kernels, strict=False):
        x = keras.layers.Dense(len(kernel[0]), use_bias=False, name=name)(x)
    model = keras.Model(inputs, x)
    for name, kernel in zip(names, kernels, strict=False):
        model.get_layer(name).set_weights([np.array(kernel, "float32")])
    return model


def images() -> keras.Model:
    """Returns `conv` 3x3x4x8, `norm`, `depthwise`, `dense` 8x4 and a softmax, after a `stem` of 3x3x3x4."""
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(inputs)
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(4, name="dense")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="softmax")(x))


def compiled(model: keras.Model, run_eagerly: bool = False) -> keras.Model:
    """Returns the model, compiled with an optimizer that has a state."""
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", run_eagerly=run_eagerly)
    return model


def fit(model: keras.Model, callbacks, epochs: int = 1, initial_epoch: int = 0) -> None:
    """Trains for 4 steps an epoch on the same numbers in the same order."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=(2 * STEPS, *model.input_shape[1:])).astype("float32")
    y = draw.normal(size=(2 * STEPS, model.output_shape[-1])).astype("float32")
    model.fit(
        x, y, batch_size=2, epochs=epochs, initial_epoch=initial_epoch, shuffle=False, verbose=0, callbacks=callbacks
    )


class Recorder(keras.callbacks.Callback):
    """Writes down what a function returns before each step of training, and at its end."""

    def __init__(self, what) -> None:
        super().__init__()
        self.seen = []
        self._what = what

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(self._what())

    def on_train_end(self, logs=None):
        self.seen.append(self._what())


def kept(model: keras.Model, name: str, path: str = "kernel") -> np.ndarray:
    """Returns where the weight that a layer sees is not zero, as 0 and 1."""
    return (keras.ops.convert_to_numpy(model.get_layer(name).seen_weight(path)) != 0).astype(int)


def states(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns every variable of a model by its path."""
    return {variable.path: keras.ops.convert_to_numpy(variable) for variable in model.variables}


def assert_resumes(make, model: keras.Model, tmp_path: Path) -> keras.Model:
    """Asserts that 2 epochs leave the same bits as 1, saved, loaded and followed by another; returns the model."""
    straight = make()
    # Three graphs would take longer to make than 16 steps take without.
    whole = compiled(straight.prepare(model), run_eagerly=True)
    fit(whole, [straight.keras_callback()], epochs=2)
    first = make()
    half = compiled(first.prepare(model), run_eagerly=True)
    fit(half, [first.keras_callback()])
    half.save(tmp_path / "half.keras")
    again = make()
    resumed = load_model(tmp_path / "half.keras")
    fit(resumed, [again.keras_callback()], epochs=2, initial_epoch=1)
    expected, found = states(whole), states(resumed)
    assert expected.keys() == found.keys()
    for path, values in expected.items():
        np.testing.assert_array_equal(found[path], values, err_msg=path)
    x = np.random.default_rng(4).normal(size=(3, *model.input_shape[1:])).astype("float32")
    # Baking multiplies nothing anew: the plain layers compute with the same numbers.
    np.testing.assert_array_equal(again.finish(resumed)(x), resumed(x))
    return resumed
