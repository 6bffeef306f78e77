"""Loads a saved model with Keras alone, compares its outputs, trains it by one step, and prints what it has seen.

python -I reload_and_train.py MODEL.keras BATCH.npz

The packages of this repository cannot be imported here, wherever they are installed. The last line is one JSON object.
"""

import json
import sys

import keras
import numpy as np
from keras import ops


def main(path: str, batch: str) -> None:
    for package in ("source", "espalier"):
        assert package not in sys.modules
        sys.modules[package] = None  # to import it is an error from now on
    model = keras.models.load_model(path)
    with np.load(batch) as arrays:
        inputs, expected = arrays["inputs"], arrays["outputs"]
    found = ops.convert_to_numpy(model(inputs, training=False))
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    before = values(model)
    # Eagerly: to trace one step of a deep model takes minutes.
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-3), loss, run_eagerly=True)
    # The least likely class of each example, so that there is something to learn.
    reached = float(model.train_on_batch(inputs, np.argmin(expected, axis=-1)))
    changed = sum(not np.array_equal(*pair) for pair in zip(before, values(model), strict=True))
    print(json.dumps({"error": error, "loss": reached, "changed": changed, "weights": len(before)}))


def values(model: keras.Model) -> list[np.ndarray]:
    return [ops.convert_to_numpy(each).copy() for each in model.trainable_variables]


if __name__ == "__main__":
    main(*sys.argv[1:])
