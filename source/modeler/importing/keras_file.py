"""Reads the weights of `.keras` and `.h5` files of Keras 2 and 3 by the names that they have there."""

import io
import pathlib
import zipfile

import numpy as np

from source.modeler import _weights_file
from source.modeler.importing import _claims


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays by name, layers in the order of the file.

    Files of Keras 2 name variables (`conv2d_1/kernel`); those of Keras 3 number them within their layer
    (`conv2d_1/0`), in the order in which the layer made them.

    Args:
        file: a `.keras` archive, or an `.h5` file of a model or of weights.

    Raises:
        ValueError: if something in it is a link, lies in another file, or is larger than its bytes can be.
        OSError: if it is no HDF5 file.
        zipfile.BadZipFile: if it is no archive.
    """
    if file.suffix != ".keras":
        return _weights_file.read_h5(file).arrays
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo(_weights_file.KERAS_WEIGHTS)
        _claims.require_stored(member.filename, member.file_size, member.compress_size)
        return _weights_file.read_h5(io.BytesIO(archive.read(member))).arrays
