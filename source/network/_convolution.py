"""Convolution, batch normalisation and ReLU under readable names, for the convolutional networks."""

import dataclasses
from typing import Literal

import keras

Padding = Literal["same", "symmetric"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvolutionStyle:
    """What all convolutions of one network have in common.

    Attributes:
        padding: "same" as TensorFlow pads: at stride 2 and even size 0 before and 1 after, for a kernel of 3.
            "symmetric" as PyTorch and Caffe pad: kernel // 2 on every side. They differ at strides above 1
            only.
        momentum: share of the running batch statistics that a step keeps, from 0 to 1.
        epsilon: added to the batch variance.
        use_bias: whether convolutions have a bias; one before a batch normalisation has no effect.
    """

    padding: Padding = "same"
    momentum: float = 0.9
    epsilon: float = 1e-5
    use_bias: bool = False


def convolve(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int | tuple[int, int],
    name: str,
    style: ConvolutionStyle,
    *,
    stride: int = 1,
    valid: bool = False,
) -> keras.KerasTensor:
    """Returns a convolution of `x` with He-normal initial weights (https://arxiv.org/abs/1502.01852).

    Args:
        x: features, (b, h, w, c).
        filters: output channels.
        kernel_size: rows and columns of the kernel.
        name: of the layer; a layer that pads is called `<name>_pad`.
        style: padding and bias.
        stride: step in both directions.
        valid: no padding at all, whatever the style says.

    Returns:
        Features (b, ceil(h / stride), ceil(w / stride), filters), unless `valid`.
    """
    padding = "valid" if valid else "same"
    if not valid and style.padding == "symmetric" and stride > 1 and kernel_size != 1:
        x = keras.layers.ZeroPadding2D(_half(kernel_size), name=f"{name}_pad")(x)
        padding = "valid"
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding=padding,
        use_bias=style.use_bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def normalize(x: keras.KerasTensor, name: str, style: ConvolutionStyle) -> keras.KerasTensor:
    """Returns `x` after batch normalisation with scale and centre (https://arxiv.org/abs/1502.03167)."""
    return keras.layers.BatchNormalization(momentum=style.momentum, epsilon=style.epsilon, name=name)(x)


def relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Returns max(x, 0)."""
    return keras.layers.ReLU(name=name)(x)


def convolve_normalize_relu(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int | tuple[int, int],
    scope: str,
    style: ConvolutionStyle,
    *,
    index: int | str = "",
    stride: int = 1,
    valid: bool = False,
) -> keras.KerasTensor:
    """Returns ReLU(BN(convolution(x))).

    The layers are called `<scope>_conv<index>`, `<scope>_norm<index>` and `<scope>_relu<index>`; the
    other arguments are those of `convolve`.
    """
    x = convolve(x, filters, kernel_size, f"{scope}_conv{index}", style, stride=stride, valid=valid)
    x = normalize(x, f"{scope}_norm{index}", style)
    return relu(x, f"{scope}_relu{index}")


def subsample(x: keras.KerasTensor, stride: int, name: str) -> keras.KerasTensor:
    """Returns every `stride`-th row and column of `x`, beginning with the first; `x` itself at stride 1.

    A mean over one pixel is that pixel, so the layer is exact, has no weights and exists in every format that
    a model is exported to.
    """
    return x if stride == 1 else keras.layers.AveragePooling2D(1, strides=stride, name=name)(x)


def _half(kernel_size: int | tuple[int, int]) -> tuple[int, int]:
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return rows // 2, columns // 2
