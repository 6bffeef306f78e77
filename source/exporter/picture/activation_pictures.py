"""What layers of a model answer to examples: maps side by side, or a bar for each number."""

import fnmatch
import math
from collections.abc import Sequence

import keras
import numpy as np

from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.picture.pictures import BLUE, INK, Pictures

_MOST_MAPS = 64  # in a picture; the first ones
_MOST_BARS = 1024


def layers_of(model: keras.Model, patterns: Sequence[str] = ()) -> list[keras.layers.Layer]:
    """Returns the layers of a model with an output of maps or numbers, or those whose name a pattern fits.

    Args:
        model: functional or sequential.
        patterns: such as `conv*`; none takes every layer with maps (b, h, w, c).

    Raises:
        DataError: for a pattern that fits none; the nearest names are offered.
    """
    known = {each.name: each for each in model.layers if _rank(each) in (2, 4)}
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            raise DataError(f"no layer fits `{pattern}`. {did_you_mean(pattern, known)}")
    if not patterns:
        inner = [layer for layer in known.values() if not isinstance(layer, keras.layers.InputLayer)]
        return [layer for layer in inner if _rank(layer) == 4]
    return [layer for name, layer in known.items() if any(fnmatch.fnmatchcase(name, each) for each in patterns)]


def draw_activations(
    model: keras.Model,
    inputs: Sequence[np.ndarray],
    labels: Sequence[str],
    layers: Sequence[keras.layers.Layer],
    pictures: Pictures,
) -> None:
    """Writes a picture for each example and layer, and one of each example that is a picture.

    Maps are grey, from the least value of the layer (black) to the largest (white), so that they can be compared.

    Args:
        model: functional or sequential.
        inputs: one array for each input of the model.
        labels: what each example is called.
        layers: of the model.
        pictures: where to.
    """
    if not layers:
        raise DataError("there is no layer with maps (b, h, w, c). Name layers: --names PATTERN.")
    part = keras.Model(model.inputs, [layer.output for layer in layers])
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    answers = [np.asarray(each) for each in keras.tree.flatten(part.predict(given, verbose=0))]
    for place, label in enumerate(labels):
        if inputs[0].ndim == 4 and inputs[0].shape[-1] in (1, 3):
            _draw_input(inputs[0][place], label, pictures)
        for layer, answer in zip(layers, answers, strict=True):
            draw = _draw_maps if answer.ndim == 4 else _draw_bars
            draw(answer[place], f"{label}-{layer.name}", pictures, _channels_first(layer))


def _draw_input(image: np.ndarray, label: str, pictures: Pictures) -> None:
    figure = pictures.figure(3.0, 3.0)
    axes = figure.subplots()
    axes.imshow(_stretched(image)[..., 0] if image.shape[-1] == 1 else _stretched(image), cmap="gray")
    axes.set_axis_off()
    pictures.save(figure, f"{label}-input")


def _draw_maps(maps: np.ndarray, name: str, pictures: Pictures, channels_first: bool) -> None:
    maps = np.moveaxis(maps, 0, -1) if channels_first else maps
    shown = maps[..., :_MOST_MAPS]
    columns = math.ceil(math.sqrt(shown.shape[-1]))
    rows = math.ceil(shown.shape[-1] / columns)
    figure = pictures.figure(min(9.0, 0.9 * columns + 0.4), min(9.0, 0.9 * rows + 0.7))
    low, high = _ends(maps)
    for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if place < shown.shape[-1]:
            axes.imshow(shown[..., place], cmap="gray", vmin=low, vmax=high)
    left = f", the first {_MOST_MAPS}" if maps.shape[-1] > _MOST_MAPS else ""
    figure.suptitle(f"{maps.shape[-1]} maps{left}, from {low:.4g} to {high:.4g}", fontsize=8, color=INK)
    pictures.save(figure, name)


def _draw_bars(numbers: np.ndarray, name: str, pictures: Pictures, channels_first: bool) -> None:
    figure = pictures.figure(6.4, 2.8)
    axes = figure.subplots()
    axes.bar(np.arange(len(numbers))[:_MOST_BARS], numbers[:_MOST_BARS], color=BLUE)
    axes.set(xlabel="index", ylabel="value")
    pictures.save(figure, name)


def _ends(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _stretched(image: np.ndarray) -> np.ndarray:
    """Returns an image with its least number at 0 and its largest at 1; what is not finite is 0."""
    low, high = _ends(image)
    return np.nan_to_num((image - low) / (high - low or 1.0), nan=0.0, posinf=0.0, neginf=0.0)


def _channels_first(layer: keras.layers.Layer) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_first"


def _rank(layer: keras.layers.Layer) -> int:
    """Returns the rank of the output of a layer; 0 for one with several outputs, or that is called more than once."""
    try:
        return len(layer.output.shape)
    except (AttributeError, RuntimeError, ValueError):
        return 0
