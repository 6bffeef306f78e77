"""The widths that a model has learned, as the JSON file that MorphNet's tools read and write."""

import json
import pathlib

import keras
import numpy as np

from source.graph.channel_groups import ChannelGroups

_KINDS = {
    keras.layers.Conv1D: "Conv1D",
    keras.layers.Conv2D: "Conv2D",
    keras.layers.Conv3D: "Conv3D",
    keras.layers.Conv1DTranspose: "conv1d_transpose",
    keras.layers.Conv2DTranspose: "conv2d_transpose",
    keras.layers.Conv3DTranspose: "conv3d_transpose",
    keras.layers.SeparableConv1D: "separable_conv1d",
    keras.layers.SeparableConv2D: "separable_conv2d",
}
FOLDER = "learned_structure"


def alive_counts(groups: ChannelGroups, gone: np.ndarray) -> dict[str, int]:
    """Returns how many channels each convolution keeps, by `<path>/Conv2D` and its like, sorted.

    Args:
        groups: of the model.
        gone: numbers of the channels that do not stay.
    """
    found = {}
    for step in groups.trace.steps:
        layer = getattr(step.operation, "layer", step.operation)
        layer = getattr(layer, "linear", layer)
        labels = groups.flow.producers.get(step.path)
        kind = next((name for kind, name in _KINDS.items() if type(layer) is kind), None)
        if kind is not None and labels is not None:
            found[f"{step.path}/{kind}"] = int((~np.isin(groups.channels_of(labels), gone)).sum())
    return dict(sorted(found.items()))


def write(counts: dict[str, int], folder: str, step: int) -> pathlib.Path:
    """Writes `learned_structure/alive_<step>` in a folder, and returns its path.

    Args:
        counts: of `alive_counts`.
        folder: made if it is not there.
        step: of training.
    """
    path = pathlib.Path(folder) / FOLDER / f"alive_{step}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path
