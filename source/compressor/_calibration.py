"""Shows a model inputs, so that the transformations of its activations can set their ranges."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from source.config.errors import DataError
from source.layer.compressed import compressed_layers
from source.layer.transformation import Transformation
from source.surgery.rewrite import layers_of

_BATCH = 64


def of_activations(model: keras.Model) -> Iterator[tuple[str, Transformation]]:
    """Yields every transformation of inputs and outputs in a model with a name for its place.

    Args:
        model: prepared.
    """
    for layer in layers_of(model):
        if isinstance(layer, Transformation):
            yield layer.name, layer
    for wrapper in compressed_layers(model):
        for place, each in wrapper.transformations():
            if place not in wrapper.weight_chains:
                yield f"{wrapper.name} {place}", each


def calibrate(model: keras.Model, calibration: Any, transformations: Sequence[Transformation]) -> None:
    """Runs a model on inputs, and lets transformations set their state for what they would have seen.

    Args:
        model: prepared; while it runs, these transformations pass numbers on unchanged.
        calibration: inputs of the model: one array or structure of arrays, worked off in batches of 64; or a list or
            tuple of batches where the model has one input.
        transformations: of its activations.

    Raises:
        DataError: for inputs that the model does not take.
    """
    every = list(batches(model, calibration))
    for each in transformations:
        each.begin_collection()
    try:
        for batch in every:
            model(batch, training=False)
    except ValueError as error:
        raise DataError(f"calibration: the model does not take these inputs: {error}") from error
    for each in transformations:
        each.end_collection()


def batches(model: keras.Model, calibration: Any) -> Iterator[Any]:
    """Yields inputs of a model batch by batch.

    Args:
        model: any.
        calibration: as for `calibrate`.

    Raises:
        DataError: for arrays without inputs, or of different numbers of them.
    """
    if isinstance(calibration, (list, tuple)) and len(model.inputs) == 1 and calibration:
        yield from calibration
        return
    arrays = keras.tree.flatten(calibration)
    if not all(hasattr(array, "shape") for array in arrays):
        raise DataError(
            f"calibration: expected arrays of inputs, or a list of batches. Received: {calibration!r:.100}."
        )
    rows = {len(array) for array in arrays}
    if len(rows) != 1 or not rows - {0}:
        raise DataError(f"calibration: expected arrays of equally many inputs, at least one. Received: {sorted(rows)}.")
    for start in range(0, rows.pop(), _BATCH):
        stop = start + _BATCH
        yield keras.tree.map_structure(lambda array: np.asarray(array[start:stop]), calibration)  # noqa: B023
