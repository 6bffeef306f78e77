"""Prints how training on two devices differs from training on one, with a compressor: on two logical CPUs.

python -m tests.compressor.print_replicas magnitude_pruning
"""

import contextlib
import json
import sys

import keras
import numpy as np
import tensorflow as tf

from source.compressor.build import compressor
from source.compressor.compressor import Compressor
from source.layer.compressed import compressed_layers
from tests.compressor.cases import CASES, STEPS

BATCH = 8  # of both devices together
# Further settings of plugins that are printed under names of their own.
MORE = {"gates": ("morphnet", {**CASES["morphnet"].settings, "regularizer": "logistic_sigmoid", "temperature": 0.5})}


def network() -> keras.Model:
    """Returns layers without statistics of batches, which Keras takes on each device."""
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(8, 3, activation="relu", name="first")(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu", name="second")(x)
    return keras.Model(inputs, keras.layers.Dense(4, name="logits")(keras.layers.GlobalAveragePooling2D()(x)))


def made_by(name: str) -> Compressor:
    """Returns the compressor of a plugin, with the settings of its case, or of one of `MORE`."""
    plugin, settings = MORE.get(name) or (name, CASES[name].settings)
    return compressor(plugin, **settings)


def trained(name: str, strategy: tf.distribute.Strategy | None) -> keras.Model:
    """Returns a prepared model after an epoch, whose batches are the same whatever the devices."""
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(1)
    x = draw.normal(size=(STEPS * BATCH, 6, 6, 3)).astype(np.float32)
    y = draw.normal(size=(STEPS * BATCH, 4)).astype(np.float32)
    with strategy.scope() if strategy else contextlib.nullcontext():
        made = made_by(name)
        model = made.prepare(network())
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[made.keras_callback()])
    return model


def replicas(variable: keras.Variable) -> list[np.ndarray]:
    """Returns the value of a variable on each device."""
    return [np.asarray(each) for each in getattr(variable.value, "values", [variable.value])]


def compare(name: str) -> dict[str, object]:
    """Returns whether the devices agree, and the largest differences to one device, in weights and states."""
    both = trained(name, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    one = trained(name, None)
    ways = [way for layer in compressed_layers(one) for _, way in layer.transformations()]
    states = {id(each) for way in ways for each in way.variables}
    weights, relative = [0.0], [0.0]
    for variable, alone in zip(both.variables, one.variables, strict=True):
        found, expected = 1.0 * replicas(variable)[0], 1.0 * replicas(alone)[0]
        difference = float(np.abs(found - expected).max())
        if id(alone) in states:
            relative.append(difference / max(float(np.abs(expected).max()), 1e-9))
        else:
            weights.append(difference)
    made_by(name).finish(both)
    return {
        "devices": max(len(replicas(each)) for each in both.variables),
        "agree": all(np.array_equal(replicas(each)[0], other) for each in both.variables for other in replicas(each)),
        "weights": max(weights),
        "states": max(relative),
    }


if __name__ == "__main__":
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    print(json.dumps({name: compare(name) for name in sys.argv[1:]}))
