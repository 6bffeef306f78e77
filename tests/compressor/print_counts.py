"""Prints, as one line of JSON, what pruning compressors keep after a few steps on the backend of the environment."""

import json

import keras
import numpy as np

from source.compressor.build import compressor
from tests.compressor import small_models

SCHEDULE = {"end_step": 3, "every_steps": 1}
SETTINGS = {
    "magnitude_pruning": {"sparsity": 0.75, "score": "wanda", "begin_step": 1, "scope": "layer"},
    "dynamic_network_surgery": {"sparsity": 0.9, "update_decay": 1.0},
    "structured_sparsity": {},
    "filter_masking": {"score": "batch_norm", "scope": "global"},
}


def counts(model: keras.Model, name: str) -> dict[str, int]:
    """Returns how many entries of each weight live after training, in a model that leaves the given one alone."""
    before = small_models.states(model)
    made = compressor(name, **SCHEDULE, **SETTINGS[name])
    prepared = made.prepare(model)
    small_models.fit(small_models.compiled(prepared), [made.keras_callback()])
    for path, values in small_models.states(model).items():
        np.testing.assert_array_equal(values, before[path])
    made.finish(prepared)
    return {row.layer: row.kept for row in made.report(prepared).compressed}


if __name__ == "__main__":
    given = small_models.images()
    print(json.dumps({name: counts(given, name) for name in SETTINGS}))
