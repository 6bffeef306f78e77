"""Prints what wrapping, saving and baking change in a model of every kind, on the backend that KERAS_BACKEND names.

KERAS_BACKEND=jax python -m tests.layer.print_kinds
"""

import json
import sys
import tempfile
from pathlib import Path

import keras

from source.surgery.bake import bake
from tests.layer.kinds import MODELS, Half, Same, arrays, batch_for, equal, made, seen_through

# Its function is not read back from bytes.
UNSAVED = ("lambda",)


def changes(name: str, folder: Path) -> list[str]:
    """Returns what is not the same, in words; nothing if all is well."""
    model = made(name)
    batch, found = batch_for(model), []
    prepared = seen_through(Same, model)
    if not equal(prepared(batch), model(batch)):
        found.append("outputs")
    if name != "spectral_norm":  # assigns to the weights that it trains
        outputs = []
        for each in (prepared, model):
            keras.utils.set_random_seed(1)  # PyTorch draws for dropout without a seed from a state of its own
            outputs.append(each(batch, training=True))
        if not equal(*outputs):
            found.append("outputs in training")
        if not equal(states(prepared), states(model)):
            found.append("states")
        if not equal(prepared.losses, model.losses):
            found.append("losses")
    halved = seen_through(Half, model)
    if not equal(bake(halved)(batch), halved(batch)):
        found.append("baked")
    if name not in UNSAVED:
        halved.save(folder / "model.keras")
        loaded = keras.saving.load_model(folder / "model.keras")
        if not equal(loaded(batch), halved(batch)) or not equal(loaded.weights, halved.weights):
            found.append("loaded")
    return found


def states(model: keras.Model) -> list:
    """Returns statistics and random states."""
    return arrays([each for each in model.non_trainable_variables if not each.path.endswith("factor")])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({name: changes(name, Path(folder)) for name in sys.argv[1:] or MODELS}))
