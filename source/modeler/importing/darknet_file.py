"""Reads a Darknet `.weights` file, whose numbers have no names: the `.cfg` beside it says what they are.

The formats are those of https://github.com/AlexeyAB/darknet.
"""

import math
import pathlib

import numpy as np

from source.modeler.importing import darknet_layout

_SUFFIX = ".cfg"
_VERSION_BYTES = 12  # three int32: major, minor, revision
_TRANSPOSED = 1000  # a version from here on stores dense kernels the other way round


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays by layer and Darknet's name, `layer3.weights`, in the order of the file.

    Layers are counted from 0 behind `[net]`, as Darknet does. Kernels of convolutions are (out, in / groups, h, w),
    those of dense layers (out, in). A convolution of single channels has `layer3.depthwise_weights`, and what belongs
    to a batch normalization is called `layer3.norm.scales`, its biases too.

    Args:
        file: a `.weights` file; a `.cfg` file of the same name must lie beside it.

    Raises:
        ValueError: if there is no `.cfg`, it has a layer with weights that is not understood, or the file has more or
            fewer numbers than the layers.
    """
    cfg = file.with_suffix(_SUFFIX)
    if not cfg.is_file():
        raise ValueError(f"there is no {cfg.name} beside it, which names its layers")
    layers, _ = darknet_layout.parse(cfg.read_text(encoding="utf-8", errors="replace"))
    shapes = {f"layer{layer.index}.{name}": shape for layer in layers for name, shape in layer.arrays.items()}
    data = file.read_bytes()
    start, transposed = _header(data)
    wanted = sum(map(math.prod, shapes.values()))
    if len(data) - start != 4 * wanted:
        raise ValueError(f"{cfg.name} describes {wanted:,} numbers, and the file has {(len(data) - start) / 4:,g}")
    numbers = np.frombuffer(data, "<f4", offset=start)
    arrays = {}
    for name, shape in shapes.items():
        part, numbers = np.split(numbers, [math.prod(shape)])
        swap = transposed and len(shape) == 2
        arrays[name] = part.reshape(shape[::-1]).T if swap else part.reshape(shape)
    return arrays


def _header(data: bytes) -> tuple[int, bool]:
    """Returns where the numbers begin, and whether dense kernels are stored (in, out).

    The count of pictures seen has 8 bytes from version 0.2 on and 4 before.
    """
    if len(data) < _VERSION_BYTES + 8:
        raise ValueError(f"its header has 20 bytes, and the file {len(data)}")
    major, minor, _ = np.frombuffer(data, "<i4", 3).tolist()
    if not (0 <= major <= 2 * _TRANSPOSED and 0 <= minor <= 2 * _TRANSPOSED):
        raise ValueError(f"its header says version {major}.{minor}, which no Darknet has")
    transposed = major > _TRANSPOSED or minor > _TRANSPOSED
    wide = major * 10 + minor >= 2 and major < _TRANSPOSED and minor < _TRANSPOSED
    return _VERSION_BYTES + (8 if wide else 4), transposed
