"""Inception-v4: a stem and 4 + 7 + 3 inception blocks with two reductions between (Szegedy et al. 2016)."""

from collections.abc import Sequence

import keras

from source.config.config import NetworkConfig
from source.config.settings import adopt, settings
from source.network import _convolution, _head, _inputs, _settings

# One convolution of a branch: (filters, (rows, columns)). A branch is the convolutions one after the other.
_Branch = Sequence[tuple[int, tuple[int, int]]]


@settings
class Config(NetworkConfig):
    """Settings of Inception-v4.

    Attributes:
        dropout: share of features dropped in training before the last layer, from 0 to below 1; the paper
            keeps 0.8.
        batch_norm_momentum: share of the running batch statistics that a training step keeps, from 0 to below
            1. The published weights were trained with 0.9997, which suits runs of several 100,000 steps.
    """

    dropout: float = 0.2
    batch_norm_momentum: float = 0.99

    def __post_init__(self) -> None:
        NetworkConfig.__post_init__(self)
        _settings.require_shares(self, "dropout", "batch_norm_momentum")


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the pure Inception-v4 of the paper, without auxiliary head (figures 3 to 9).

    Every convolution is followed by batch normalisation (epsilon 0.001) and ReLU
    (https://arxiv.org/abs/1602.07261).

    Args:
        config: a `Config`, or a `NetworkConfig` for the defaults of all else.
        inputs: images, (b, h, w, c), h and w at least 75 (299 in the paper), in [-1, 1].

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: if `inputs` are no images or too small.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "inception_v4", least_side=75)
    style = _convolution.ConvolutionStyle(momentum=config.batch_norm_momentum, epsilon=1e-3)
    x = _stem(inputs, style)
    for index in range(1, 5):
        x = _block_a(x, f"block_a{index}", style)
    x = _reduction_a(x, "reduction_a", style)
    for index in range(1, 8):
        x = _block_b(x, f"block_b{index}", style)
    x = _reduction_b(x, "reduction_b", style)
    for index in range(1, 4):
        x = _block_c(x, f"block_c{index}", style)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = _head.classify(x, config.num_classes, dropout=config.dropout)
    return keras.Model(inputs, logits, name="inception_v4")


def _stem(inputs: keras.KerasTensor, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 384 channels at 35x35 from an image of 299x299 (figure 3)."""
    x = _convolution.convolve_normalize_relu(inputs, 32, 3, "stem1", style, stride=2, valid=True)
    x = _convolution.convolve_normalize_relu(x, 32, 3, "stem2", style, valid=True)
    x = _convolution.convolve_normalize_relu(x, 64, 3, "stem3", style)
    x = _halve(x, 96, "stem4", style)
    narrow = _branch(x, ((64, (1, 1)), (96, (3, 3))), "stem5_branch1", style, last_valid=True)
    wide_path = ((64, (1, 1)), (64, (1, 7)), (64, (7, 1)), (96, (3, 3)))
    wide = _branch(x, wide_path, "stem5_branch2", style, last_valid=True)
    x = keras.layers.Concatenate(name="stem5_concat")([narrow, wide])
    return _halve(x, 192, "stem6", style)


def _halve(x: keras.KerasTensor, filters: int, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns max-pooling and a convolution, both of stride 2, side by side."""
    pooled = keras.layers.MaxPooling2D(3, strides=2, name=f"{scope}_pool")(x)
    convolved = _convolution.convolve_normalize_relu(x, filters, 3, scope, style, stride=2, valid=True)
    return keras.layers.Concatenate(name=f"{scope}_concat")([pooled, convolved])


def _block_a(x: keras.KerasTensor, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 384 channels at the same resolution (figure 4)."""
    paths = (
        ((96, (1, 1)),),
        ((64, (1, 1)), (96, (3, 3))),
        ((64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
    )
    branches = [_branch(x, path, f"{scope}_branch{i}", style) for i, path in enumerate(paths, 1)]
    return _join(x, branches, 96, scope, style)


def _block_b(x: keras.KerasTensor, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 1024 channels at the same resolution (figure 5)."""
    paths = (
        ((384, (1, 1)),),
        ((192, (1, 1)), (224, (1, 7)), (256, (7, 1))),
        ((192, (1, 1)), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))),
    )
    branches = [_branch(x, path, f"{scope}_branch{i}", style) for i, path in enumerate(paths, 1)]
    return _join(x, branches, 128, scope, style)


def _block_c(x: keras.KerasTensor, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 1536 channels at the same resolution; two branches end in a fork (figure 6)."""
    first = _branch(x, ((256, (1, 1)),), f"{scope}_branch1", style)
    second = _branch(x, ((384, (1, 1)),), f"{scope}_branch2", style)
    third_path = ((384, (1, 1)), (448, (3, 1)), (512, (1, 3)))
    third = _branch(x, third_path, f"{scope}_branch3", style)
    branches = [first]
    for index, trunk in ((2, second), (3, third)):
        for side, kernel_size in (("row", (1, 3)), ("column", (3, 1))):
            branches.append(_branch(trunk, ((256, kernel_size),), f"{scope}_branch{index}_{side}", style))
    return _join(x, branches, 256, scope, style)


def _reduction_a(x: keras.KerasTensor, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 1024 channels at half the resolution (figure 7 with k, l, m, n = 192, 224, 256, 384)."""
    paths = (((384, (3, 3)),), ((192, (1, 1)), (224, (3, 3)), (256, (3, 3))))
    return _reduce(x, paths, scope, style)


def _reduction_b(x: keras.KerasTensor, scope: str, style: _convolution.ConvolutionStyle) -> keras.KerasTensor:
    """Returns 1536 channels at half the resolution (figure 8)."""
    paths = (
        ((192, (1, 1)), (192, (3, 3))),
        ((256, (1, 1)), (256, (1, 7)), (320, (7, 1)), (320, (3, 3))),
    )
    return _reduce(x, paths, scope, style)


def _reduce(
    x: keras.KerasTensor, paths: Sequence[_Branch], scope: str, style: _convolution.ConvolutionStyle
) -> keras.KerasTensor:
    """Returns branches whose last convolution has stride 2, and max-pooling, side by side."""
    branches = [
        _branch(x, path, f"{scope}_branch{i}", style, last_stride=2, last_valid=True) for i, path in enumerate(paths, 1)
    ]
    branches.append(keras.layers.MaxPooling2D(3, strides=2, name=f"{scope}_pool")(x))
    return keras.layers.Concatenate(name=f"{scope}_concat")(branches)


def _branch(
    x: keras.KerasTensor,
    path: _Branch,
    scope: str,
    style: _convolution.ConvolutionStyle,
    *,
    last_stride: int = 1,
    last_valid: bool = False,
) -> keras.KerasTensor:
    """Returns the convolutions of `path` one after the other; the last may have a stride and no padding."""
    for index, (filters, kernel_size) in enumerate(path, 1):
        last = index == len(path)
        x = _convolution.convolve_normalize_relu(
            x,
            filters,
            kernel_size,
            scope,
            style,
            index=index,
            stride=last_stride if last else 1,
            valid=last and last_valid,
        )
    return x


def _join(
    x: keras.KerasTensor,
    branches: list[keras.KerasTensor],
    pool_filters: int,
    scope: str,
    style: _convolution.ConvolutionStyle,
) -> keras.KerasTensor:
    """Returns the branches and one of average pooling and a 1x1 convolution, side by side."""
    pooled = keras.layers.AveragePooling2D(3, strides=1, padding="same", name=f"{scope}_pool")(x)
    pooled = _convolution.convolve_normalize_relu(pooled, pool_filters, 1, f"{scope}_pooled", style)
    return keras.layers.Concatenate(name=f"{scope}_concat")([*branches, pooled])
