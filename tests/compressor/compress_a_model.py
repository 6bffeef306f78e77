"""Compresses one model in every way that `test_backends` asks for, and prints how far it was changed by its way back.

Run as `KERAS_BACKEND=jax python -m tests.compressor.compress_a_model FOLDER`.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from source.compressor.build import compressor
from source.layer.load_model import load_model

SCHEDULE = {"end_step": 4, "every_steps": 2}
WAYS = {
    "prune_and_round": (
        "chain",
        {"members": [{"name": "magnitude_pruning", "sparsity": 0.75, **SCHEDULE}, {"name": "quantize_aware"}]},
    ),
    "device": ("layer_formats", {"rule_set": "basic"}),
    "gates": ("feature_boosting", {"density": 0.5, **SCHEDULE}),
    "operators": ("approximated_operators", {"rule_set": "basic"}),
    "scales": ("network_slimming", {"strength": 1e-3, **SCHEDULE}),
    "filters": ("filter_pruning", {"score": "taylor", **SCHEDULE}),
    "costs": ("morphnet", SCHEDULE),
    "probabilities": ("morphnet", {"regularizer": "logistic_sigmoid", "temperature": 0.5, **SCHEDULE}),
}
CUT = ("scales", "filters", "costs", "probabilities")  # finished models have fewer products to add up


def model() -> keras.Model:
    """Returns a convolution with batch normalization and two dense layers."""
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="conv")(inputs)
    x = keras.layers.Flatten()(keras.layers.ReLU()(keras.layers.BatchNormalization(name="norm")(x)))
    x = keras.layers.Dense(8, activation="gelu", name="up")(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="out")(x))


def differences(name: str, settings: dict, folder: Path) -> list[float]:
    """Returns how far the finished and the loaded model are from the trained one, and whether anything was learnt."""
    made = compressor(name, **settings)
    x = np.random.default_rng(0).normal(size=(32, 6, 6, 3)).astype("float32")
    prepared = made.prepare(model(), (x, np.zeros((32, 3))) if made.needs_calibration else None)
    prepared.compile("adam", "mse")
    loss = prepared.fit(
        x, np.zeros((32, 3)), batch_size=8, epochs=2, verbose=0, callbacks=[made.keras_callback()]
    ).history["loss"]
    prepared.save(folder / "prepared.keras")
    others = made.finish(prepared), load_model(folder / "prepared.keras")
    outputs = [keras.ops.convert_to_numpy(each(x, training=False)) for each in (prepared, *others)]
    return [*(float(np.abs(each - outputs[0]).max()) for each in outputs[1:]), float(loss[1] < loss[0])]


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    print(json.dumps({way: differences(*given, Path(sys.argv[1])) for way, given in WAYS.items()}))
