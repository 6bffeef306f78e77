"""What there is to see of a model's compression: sparsity, bits and ranges by layer."""

import math
from collections.abc import Iterator

import keras
import numpy as np

from source.compressor.compressor import Compressor
from source.layer.compressed import compressed_layers, placed_transformations


def points(compressor: Compressor, model: keras.Model) -> dict[str, float]:
    """Returns sparsity, bits and ends of every compressed weight, and the states that are one number, such as limits.

    Names are `compression/<layer>/<weight>/sparsity`, `.../bits`, `.../low`, `.../high`, and
    `compression/<layer>/<place>/<state>`; `compression/sparsity` and `compression/bits` are those of all weights.

    Args:
        compressor: that prepared the model.
        model: in training.
    """
    report = compressor.report(model)
    found = {f"compression/{name}": float(report.totals()[name]) for name in ("sparsity", "bits")}
    for row in report.compressed:
        found[f"compression/{row.layer}/{row.weight}/sparsity"] = row.sparsity
        found[f"compression/{row.layer}/{row.weight}/bits"] = row.bits
    return {**found, **dict(_ranges(model))}


def sparsity(model: keras.Model) -> float:
    """Returns the share of zeros among the weights that are compressed, as the layers see them; 0 without any.

    Args:
        model: prepared by a compressor.
    """
    seen = [layer.seen_weight(path) for layer in compressed_layers(model) for path in layer.weight_chains]
    kept = sum(int(keras.ops.convert_to_numpy(keras.ops.count_nonzero(weight))) for weight in seen)
    numbers = sum(math.prod(weight.shape) for weight in seen)
    return 1.0 - kept / numbers if numbers else 0.0


def _ranges(model: keras.Model) -> Iterator[tuple[str, float]]:
    for layer in compressed_layers(model):
        for path in layer.weight_chains:
            seen = np.asarray(keras.ops.convert_to_numpy(layer.seen_weight(path)))
            yield f"compression/{layer.name}/{path}/low", float(seen.min())
            yield f"compression/{layer.name}/{path}/high", float(seen.max())
    for name, place, each in placed_transformations(model):
        for variable in each.variables:
            if variable.shape == () and keras.backend.is_float_dtype(variable.dtype):
                yield f"compression/{name}/{place.replace(' ', '_')}/{variable.name}", float(variable)
