"""Takes channels out of a model: once by zeros, once for real, and compares."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from source.graph.channel_groups import ChannelGroups, channel_groups
from source.layer import weight_paths
from source.surgery.channels import remove_channels

# Sums over fewer numbers are rounded in another order: some units in the last place of float32, 1.2e-7.
ROUNDING = 2e-6


def drawn(model: keras.Model, seed: int = 0) -> keras.Model:
    """Returns the model, with weights that are neither equal nor zero and with statistics as after training."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if not keras.backend.is_float_dtype(variable.dtype):
            continue
        low, high = (0.5, 1.5) if "variance" in variable.path or "gamma" in variable.path else (-0.5, 0.5)
        variable.assign(rng.uniform(low, high, variable.shape))
    return model


def some_of(groups: ChannelGroups, share: float = 0.4, seed: int = 0) -> np.ndarray:
    """Returns channels of every group that may lose some: one at least, and not all."""
    rng = np.random.default_rng(seed)
    chosen = [
        rng.permutation(group.channels)[: max(1, int(share * len(group)))]
        for group in groups.prunable
        if len(group) > 1
    ]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


def zero(groups: ChannelGroups, removed: np.ndarray) -> None:
    """Makes all weights of the channels zero, but variances one."""
    for site in groups.sites:
        gone = np.isin(groups.channels_of(site.labels), removed)
        variable = weight_paths.of(site.layer)[site.weight]
        values = ops.convert_to_numpy(variable).copy()
        index = [slice(None)] * values.ndim
        index[site.axis] = gone
        values[tuple(index)] = 1.0 if "variance" in site.weight else 0.0
        variable.assign(values)


def batch_for(model: keras.Model, seed: int = 1, length: int = 8) -> list[np.ndarray]:
    """Returns two examples; integers where the model takes them, `length` where it takes any."""
    rng = np.random.default_rng(seed)
    shapes = [(2, *(size or length for size in tensor.shape[1:])) for tensor in model.inputs]
    return [
        rng.normal(size=shape).astype("float32")
        if keras.backend.is_float_dtype(tensor.dtype)
        else rng.integers(0, 4, shape)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]


def outputs_of(model: keras.Model, batch: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the outputs for inputs in their order, flat."""
    given = list(batch)
    results = model(given[0] if len(given) == 1 else given, training=False)
    return [ops.convert_to_numpy(each) for each in keras.tree.flatten(results)]


def largest_error(model: keras.Model, other: keras.Model, length: int = 8) -> float:
    """Returns the largest difference of outputs, relative to the largest output."""
    batch = batch_for(model, length=length)
    pairs = zip(outputs_of(model, batch), outputs_of(other, batch), strict=True)
    return max(float(np.abs(one - two).max() / max(np.abs(one).max(), 1e-9)) for one, two in pairs)


def cut(model: keras.Model, share: float = 0.4) -> keras.Model:
    """Returns the model without some channels of every group, with doubts or not, whose weights in it become zeros."""
    groups = channel_groups(drawn(model))
    removed = some_of(groups, share)
    assert len(removed), "no channel may go"
    zero(groups, removed)
    return remove_channels(model, groups, removed, allow_doubts=True)
