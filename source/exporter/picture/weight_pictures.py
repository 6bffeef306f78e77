"""Histograms of the weights of a model, with the numbers that they are rounded to and the share of zeros."""

import fnmatch
import pathlib
import zipfile
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from matplotlib.axes import Axes

from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.picture.pictures import BLUE, GREEN, Pictures
from source.layer.compressed import compressed_layers
from source.numeric.grid import channel_grid

_MOST_BINS = 200  # of a histogram, however long its tails are
_LEAST_BINS = 40  # of many numbers: what lies on two sides of zero has a wide range of quartiles
_FEW_VALUES = 32  # different ones, that say more than codes by channel
_MOST_VALUES = 256  # different ones, that are drawn one by one
_WIDTHS = (2, 3, 4, 5, 6, 7, 8)


def weights_of(model: keras.Model) -> Iterator[tuple[str, np.ndarray]]:
    """Yields kernels and tables by name, as the layers see them: masked and rounded where they are compressed.

    Args:
        model: plain, prepared by a compressor, or finished.
    """
    seen: set[str] = set()
    for layer in compressed_layers(model):
        for path in layer.weight_chains:
            seen.add(layer.weight(path).path)
            yield f"{layer.name}/{path}", np.asarray(keras.ops.convert_to_numpy(layer.seen_weight(path)))
    for variable in model.trainable_variables + _frozen_kernels(model):
        if len(variable.shape) >= 2 and variable.path not in seen:
            seen.add(variable.path)
            yield variable.path, np.asarray(keras.ops.convert_to_numpy(variable))


def stored_weights(path: pathlib.Path) -> list[tuple[str, np.ndarray]]:
    """Returns the kernels and tables of a checkpoint by name, as they are stored.

    Args:
        path: of a `.npz` file.

    Raises:
        DataError: for a file that is missing or no such file.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            arrays = [(name, loaded[name]) for name in loaded.files]
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected a .npz file of numbers. {str(error).partition(chr(10))[0]}") from error
    return [(name, array) for name, array in arrays if array.ndim >= 2 and array.dtype.kind == "f"]


def chosen_weights(weights: Sequence[tuple[str, np.ndarray]], patterns: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Returns the weights whose name a pattern fits.

    Args:
        weights: names and numbers.
        patterns: such as `conv*`; none chooses all.

    Raises:
        DataError: if there are none, and for a pattern that fits none; the nearest names are offered.
    """
    if not weights:
        raise DataError("there are no kernels or tables here to draw.")
    names = [name for name, _ in weights]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise DataError(f"no weight fits `{pattern}`. {did_you_mean(pattern, names)}")
    return [each for each in weights if not patterns or any(fnmatch.fnmatchcase(each[0], one) for one in patterns)]


def draw_weights(name: str, weight: np.ndarray, pictures: Pictures) -> None:
    """Writes the histogram of a weight; beside it the codes, or the numbers, if it is rounded.

    Zeros are counted in the title and left out of the histogram where they are more than one in ten. The bins are
    as wide as Freedman and Diaconis found best (1981): 2 IQR / n^(1/3).

    Args:
        name: of the weight.
        weight: any shape, at least one number.
        pictures: where to.
    """
    flat = np.asarray(weight, np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    zeros = int(np.sum(finite == 0))
    shown = finite[finite != 0] if zeros > 0.1 * flat.size else finite
    grid = _grid(np.asarray(weight))
    figure = pictures.figure(9.0 if grid else 5.4, 3.0)
    left, *right = figure.subplots(1, 2 if grid else 1, squeeze=False)[0]
    _histogram(left, shown)
    shape = " x ".join(map(str, weight.shape))
    odd = f", {flat.size - finite.size:,} not finite" if finite.size < flat.size else ""
    left.set_title(f"{name}\n{shape}: {flat.size:,} numbers, {zeros / max(1, flat.size):.2%} are zero{odd}")
    if grid:
        _bars(right[0], *grid)
    pictures.save(figure, f"weight-{name}")


def _frozen_kernels(model: keras.Model) -> list[keras.Variable]:
    """Returns kernels and tables of layers that are frozen; no statistics, which layers keep apart from training."""
    names = ("kernel", "embeddings", "depthwise_kernel", "pointwise_kernel")
    return [each for each in model.non_trainable_variables if each.path.rpartition("/")[2] in names]


def _histogram(axes: Axes, values: np.ndarray) -> None:
    if values.size:
        low, high = np.percentile(values, [25, 75])
        width = 2 * (high - low) / values.size ** (1 / 3)
        wanted = (values.max() - values.min()) / width if width > 0 else 0.0
        bins = int(np.clip(np.ceil(wanted), min(_LEAST_BINS, np.sqrt(values.size)), _MOST_BINS))
        axes.hist(values, bins=bins, color=BLUE)
    axes.set(xlabel="weight", ylabel="count")


def _grid(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Returns what a weight is rounded to, how often each is used, and what it is; None if it is not rounded."""
    values, counts = np.unique(weight, return_counts=True)
    few = (values.astype(np.float64), counts, f"{values.size} different numbers")
    if values.size <= min(_FEW_VALUES, weight.size // 2):
        return few
    if weight.dtype == np.float32 and np.isfinite(weight).all():
        for bits in _WIDTHS:
            found = channel_grid(weight, bits=bits)
            if found is not None:
                codes, counts = np.unique(found[0], return_counts=True)
                return codes.astype(np.float64), counts, f"int{bits} by channel: {codes.size} codes"
    return few if values.size <= min(_MOST_VALUES, weight.size // 2) else None


def _bars(axes: Axes, values: np.ndarray, counts: np.ndarray, title: str) -> None:
    axes.vlines(values, 0, counts, color=GREEN, linewidth=max(0.8, 60 / max(1, values.size)))
    # Zeros of a sparse weight would press all else flat.
    axes.set(title=title, xlabel="code" if "codes" in title else "number", ylabel="count")
    if counts.size and counts.max() > 50 * np.median(counts):
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5)
    else:
        axes.set_ylim(bottom=0)
