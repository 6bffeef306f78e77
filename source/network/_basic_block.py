"""The residual block of two 3x3 convolutions and the shortcuts around it (He et al. 2015, section 3.3)."""

from typing import Literal

import keras

from source.network import _convolution

Shortcut = Literal["A", "B"]


def basic_block(
    x: keras.KerasTensor,
    filters: int,
    scope: str,
    style: _convolution.ConvolutionStyle,
    *,
    stride: int = 1,
    shortcut: Shortcut = "B",
) -> keras.KerasTensor:
    """Returns ReLU(F(x) + shortcut(x)), F being conv 3x3, BN, ReLU, conv 3x3, BN (figure 2 of the paper).

    Where shape stays, the shortcut is x itself. Elsewhere "A" takes every `stride`-th pixel and adds channels
    of zeros, without weights; "B" is a 1x1 convolution of that stride and BN.

    Args:
        x: features, (b, h, w, c).
        filters: output channels; at least c for shortcut "A".
        scope: what the names of the layers begin with, such as `stage2_block1`.
        style: padding and batch normalisation.
        stride: of the first convolution.
        shortcut: "A" or "B", as the paper calls them.

    Returns:
        Features (b, ceil(h / stride), ceil(w / stride), filters).
    """
    residual = _convolution.convolve_normalize_relu(x, filters, 3, scope, style, index=1, stride=stride)
    residual = _convolution.convolve(residual, filters, 3, f"{scope}_conv2", style)
    residual = _convolution.normalize(residual, f"{scope}_norm2", style)
    if stride != 1 or x.shape[-1] != filters:
        connect = _zero_padded_identity if shortcut == "A" else _projection
        x = connect(x, filters, stride, f"{scope}_shortcut", style)
    x = keras.layers.Add(name=f"{scope}_add")([residual, x])
    return _convolution.relu(x, f"{scope}_relu2")


def _projection(
    x: keras.KerasTensor, filters: int, stride: int, scope: str, style: _convolution.ConvolutionStyle
) -> keras.KerasTensor:
    x = _convolution.convolve(x, filters, 1, f"{scope}_conv", style, stride=stride)
    return _convolution.normalize(x, f"{scope}_norm", style)


def _zero_padded_identity(
    x: keras.KerasTensor, filters: int, stride: int, scope: str, style: _convolution.ConvolutionStyle
) -> keras.KerasTensor:
    x = _convolution.subsample(x, stride, f"{scope}_subsample")
    missing = filters - x.shape[-1]
    # Half of the zeros on either side, as published weights expect. ZeroPadding2D pads the last two axes when
    # it is told that channels come first; here those are columns (padded by nothing) and channels. No other
    # layer of Keras pads channels, and a bare operation would get a name that changes from build to build.
    sides = ((0, 0), (missing // 2, missing - missing // 2))
    return keras.layers.ZeroPadding2D(sides, data_format="channels_first", name=f"{scope}_pad")(x)
