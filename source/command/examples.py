"""Examples for a model from files: arrays as they are, pictures in the size that the model takes."""

import dataclasses
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Literal

import numpy as np
import PIL.Image

from source.command.array_file import read_arrays
from source.command.input_files import ARRAYS
from source.config.errors import DataError

Normalization = Literal["none", "unit", "standardize"]


@dataclasses.dataclass(frozen=True)
class Examples:
    """What a model is asked about.

    Attributes:
        inputs: one array for each input of the model.
        names: of the examples.
        labels: index of the class of each; None where they are not known.
    """

    inputs: list[np.ndarray]
    names: list[str]
    labels: np.ndarray | None = None


def read_examples(
    files: Sequence[pathlib.Path],
    shape: Sequence[int | None],
    normalize: Normalization = "none",
    count: int | None = None,
) -> Examples:
    """Returns the first examples of files.

    Args:
        files: pictures, or one `.npy` or `.npz`. In a `.npz`, `y` is labels, and all else is inputs.
        shape: of the first input of the model, (b, h, w, c).
        normalize: of pictures: "none" leaves [0, 255], "unit" divides by 255, "standardize" makes the mean of each
            picture 0 and its standard deviation 1.
        count: how many; None takes all.

    Raises:
        DataError: for files that cannot be read, and a model that takes no pictures.
    """
    if files[0].suffix in ARRAYS:
        return _of_arrays(files, count)
    if len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
        raise DataError(f"the model takes no pictures: its input is {tuple(shape)}. Give a .npy or .npz file.")
    pictures = [_picture(file, shape, normalize) for file in files[:count]]
    return Examples([np.stack(pictures)], [file.stem for file in files[:count]])


def _of_arrays(files: Sequence[pathlib.Path], count: int | None) -> Examples:
    if len(files) > 1:
        raise DataError(f"expected one .npy or .npz file, or pictures. Received: {len(files)} files of arrays.")
    labels = None
    inputs = read_arrays(files[0])
    if files[0].suffix == ".npz":
        names = _names(files[0])
        labels = next((array for name, array in zip(names, inputs, strict=True) if name == "y"), None)
        inputs = [array for name, array in zip(names, inputs, strict=True) if name != "y"]
    if not inputs or any(each.ndim == 0 or len(each) != len(inputs[0]) or not len(each) for each in inputs):
        raise DataError(f"{files[0]}: expected arrays of as many examples each, at least one.")
    inputs = [array[:count] for array in inputs]
    names = [f"{files[0].stem}_{place}" for place in range(len(inputs[0]))]
    return Examples(inputs, names, None if labels is None else labels[:count])


def _names(file: pathlib.Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def _picture(file: pathlib.Path, shape: Sequence[int | None], normalize: Normalization) -> np.ndarray:
    try:
        with PIL.Image.open(file) as opened:
            picture = opened.convert("L" if shape[3] == 1 else "RGB")
    except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise DataError(f"{file}: is no picture that can be read. {str(error).partition(chr(10))[0]}") from error
    size = (int(shape[2] or 1), int(shape[1] or 1))
    if picture.size != size:
        picture = picture.resize(size, PIL.Image.Resampling.BILINEAR)
    values = np.asarray(picture, np.float32).reshape(size[1], size[0], -1)
    if normalize == "unit":
        return values / np.float32(255)
    if normalize == "standardize":
        # A picture of one colour has no deviation; the bound is that of tf.image.per_image_standardization.
        return (values - values.mean()) / np.maximum(values.std(), np.float32(1 / np.sqrt(values.size)))
    return values
