"""Reads a network that Deep Compression pruned and coded, convolution by convolution.

The method: https://arxiv.org/abs/1510.00149. A Caffe `.prototxt` file beside it names the convolutions. All numbers
are little-endian: for each convolution the uint32 count of its weights that are not zero; then, for each, a codebook of
256 float32, the float32 biases, a uint8 code for each of those weights, and the 4-bit gaps between them, two in a byte.
"""

import math
import pathlib

import numpy as np

from source.modeler.importing import caffe_layout

_CODEBOOK = 256
_SUFFIX = ".prototxt"


def read(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns `<layer>.weight`, (out, in, h, w), and `<layer>.bias` of each convolution, in order.

    Args:
        file: a `.net` file; the only `.prototxt` file beside it, or the one of the same name, is its description.

    Raises:
        ValueError: if there is no description, or the file has more or fewer bytes than it and the counts say.
    """
    convolutions = caffe_layout.convolutions(_description(file).read_text(encoding="utf-8", errors="replace"))
    rest = np.frombuffer(file.read_bytes(), np.uint8)
    head, rest = _split(rest, 4 * len(convolutions), "the counts")
    arrays: dict[str, np.ndarray] = {}
    for (name, shape), count in zip(convolutions.items(), head.view("<u4").tolist(), strict=True):
        codebook, rest = _split(rest, 4 * _CODEBOOK, f"{name}: the codebook")
        bias, rest = _split(rest, 4 * shape[0], f"{name}: the biases")
        codes, rest = _split(rest, count, f"{name}: the codes")
        gaps, rest = _split(rest, (count + 1) // 2, f"{name}: the gaps")
        arrays[f"{name}.weight"] = _decoded(name, shape, codebook.view("<f4"), codes, gaps)
        arrays[f"{name}.bias"] = bias.view("<f4")
    if rest.size:
        raise ValueError(f"{rest.size:,} bytes behind the last convolution belong to none")
    return arrays


def _description(file: pathlib.Path) -> pathlib.Path:
    same = file.with_suffix(_SUFFIX)
    found = [same] if same.is_file() else sorted(file.parent.glob(f"*{_SUFFIX}"))
    if len(found) != 1:
        raise ValueError(f"expected one {_SUFFIX} file beside it, which names its layers. Received: {len(found)}")
    return found[0]


def _split(data: np.ndarray, length: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the next bytes, aligned in memory of their own, and what follows them."""
    if length > data.size:
        raise ValueError(f"{what} needs {length:,} bytes, and {data.size:,} are left")
    return data[:length].copy(), data[length:]


def _decoded(
    name: str, shape: tuple[int, ...], codebook: np.ndarray, codes: np.ndarray, gaps: np.ndarray
) -> np.ndarray:
    """Returns the weights; a gap counts the zeros before a weight, and code 0 is a zero that bridges a long gap."""
    steps = np.stack([gaps & 15, gaps >> 4], axis=1).reshape(-1)[: codes.size].astype(np.int64) + 1
    places = np.cumsum(steps) - 1
    size = math.prod(shape)
    if places.size and places[-1] >= size:
        raise ValueError(f"{name}: a weight lies at {places[-1]:,} of {size:,}")
    weights = np.zeros(size, np.float32)
    weights[places] = np.where(codes == 0, np.float32(0), codebook[codes])
    return weights.reshape(shape)
