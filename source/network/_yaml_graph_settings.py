"""What layers in YAML can be told: a class of settings for each type."""

import dataclasses
from typing import Literal

from source.config.settings import settings
from source.network._yaml_graph_fields import (
    Axes,
    Axis,
    Count,
    Edges,
    Named,
    Padding,
    Pair,
    Positive,
    Precision,
    Share,
    Unit,
    Window,
)


@settings
class Plain:
    """A layer without settings."""


@settings
class Normalization:
    """Batch normalization behind a convolution or a dense layer.

    Attributes:
        momentum: share of the running statistics that a training step keeps, from 0 to below 1.
        epsilon: added to the variance, above 0.
        center: whether there is a trained offset.
        scale: whether there is a trained scale.
    """

    momentum: Share = 0.99
    epsilon: Positive = 1e-3
    center: bool = True
    scale: bool = True


@settings
class Gate:
    """The gate of a gated convolution.

    Attributes:
        density: share of the channels that are let through for each image, above 0, at most 1.
        pool: what the predictor sees of each channel of the input: "l1", mean |x|; "l2", mean x^2; "average"; "max".
        strength: of the loss of the saliencies, at least 0.
    """

    density: Unit = 0.5
    pool: Literal["l1", "l2", "average", "max"] = "l1"
    strength: float = 1e-8

    def __post_init__(self) -> None:
        if self.strength < 0:
            raise ValueError(f"`strength` must be at least 0. Received: strength={self.strength!r}.")


@settings
class Trained:
    """What all layers with weights know.

    Attributes:
        trainable: whether the weights are trained.
        dtype: type that the layer computes in; null takes that of the run, float32 from the layer `logits` on.
    """

    trainable: bool = True
    dtype: Precision | None = None


@settings
class Linear(Trained):
    """What convolutions and dense layers know.

    Attributes:
        use_bias: whether there is a bias; null means: unless `batch_normalization` follows.
        bias_initializer: initial bias.
        bias_regularizer: loss on the bias.
        batch_normalization: settings of the normalization that follows; null for none.
        activation: what comes last; null for none.
    """

    use_bias: bool | None = None
    bias_initializer: Named = "zeros"
    bias_regularizer: Named = None
    batch_normalization: Normalization | None = None
    activation: Named = None


@settings
class Window2D:
    """What convolutions know of where their kernels go.

    Attributes:
        kernel_size: rows and columns of the kernel; must be given.
        strides: pixels from one place to the next.
        padding: "valid", "same" as TensorFlow pads, or pixels of zeros on every side, [rows, columns] or
            [[top, bottom], [left, right]].
        dilation_rate: pixels from one entry of the kernel to the next.
    """

    kernel_size: Pair | None = None
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Pair = (1, 1)

    def __post_init__(self) -> None:
        if self.kernel_size is None:
            raise ValueError("`kernel_size` must be given.")


@settings
class Convolution(Linear, Window2D):
    """A convolution.

    Attributes:
        filters: output channels; must be given.
        groups: parts that channels fall into, each convolved alone; divides both counts of channels.
        kernel_initializer: initial kernel.
        kernel_regularizer: loss on the kernel.
    """

    filters: Count | None = None
    groups: Count = 1
    kernel_initializer: Named = "glorot_uniform"
    kernel_regularizer: Named = None

    def __post_init__(self) -> None:
        Window2D.__post_init__(self)
        if self.filters is None:
            raise ValueError("`filters` must be given.")


@settings
class GatedConvolution(Convolution):
    """A convolution whose channels are let through for each image as a predictor says.

    Attributes:
        gate: settings of the gate.
    """

    gate: Gate = dataclasses.field(default_factory=Gate)


@settings
class DepthwiseConvolution(Linear, Window2D):
    """A convolution of each channel alone.

    Attributes:
        depth_multiplier: output channels for each input channel.
        depthwise_initializer: initial kernel.
        depthwise_regularizer: loss on the kernel.
    """

    depth_multiplier: Count = 1
    depthwise_initializer: Named = "glorot_uniform"
    depthwise_regularizer: Named = None


@settings
class HadamardConvolution(Linear, Window2D):
    """A convolution of each channel alone, then a Walsh-Hadamard transform over the channels.

    Attributes:
        filters: output channels, a power of two times those of the input; null for as many.
        kernel_initializer: initial kernel.
        kernel_regularizer: loss on the kernel.
    """

    filters: Count | None = None
    kernel_initializer: Named = "glorot_uniform"
    kernel_regularizer: Named = None


@settings
class FullyConnected(Linear):
    """A dense layer.

    Attributes:
        units: output features; must be given.
        kernel_initializer: initial kernel.
        kernel_regularizer: loss on the kernel.
    """

    units: Count | None = None
    kernel_initializer: Named = "glorot_uniform"
    kernel_regularizer: Named = None

    def __post_init__(self) -> None:
        if self.units is None:
            raise ValueError("`units` must be given.")


@settings
class Hadamard(Trained):
    """A Walsh-Hadamard transform over the channels.

    Attributes:
        variable_scales: whether each channel is multiplied with a trained number first.
        batch_normalization: settings of the normalization that follows; null for none.
        activation: what comes last; null for none.
    """

    variable_scales: bool = False
    batch_normalization: Normalization | None = None
    activation: Named = None


@settings
class Pool:
    """Pooling.

    Attributes:
        pool_size: rows and columns of the window; null for all rows or columns, "global" for both. A window that is
            larger than the image is as large as the image.
        strides: pixels from one window to the next; null for `pool_size`.
        padding: "valid", "same" as TensorFlow pads, or pixels of zeros on every side, [rows, columns] or
            [[top, bottom], [left, right]].
    """

    pool_size: Window = (2, 2)
    strides: Pair | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        if self.pool_size == "global" and (self.strides is not None or self.padding != "valid"):
            raise ValueError('with pool_size "global" there is one window: leave `strides` and `padding` out.')


@settings
class BatchNormalization(Normalization, Trained):
    """Batch normalization alone.

    Attributes:
        activation: what comes last; null for none.
    """

    activation: Named = None


@settings
class Dropout:
    """Dropout.

    Attributes:
        rate: share of the numbers that training drops, from 0 to below 1.
    """

    rate: Share = 0.5


@settings
class Activation:
    """An activation.

    Attributes:
        activation: which one; must be given.
    """

    activation: Named = None

    def __post_init__(self) -> None:
        if self.activation is None:
            raise ValueError("`activation` must be given.")


@settings
class Identity:
    """What comes in, perhaps activated.

    Attributes:
        activation: what is done to it; null for nothing.
    """

    activation: Named = None


@settings
class OneAxis:
    """A layer that works along one axis.

    Attributes:
        axis: not that of the batch; -1 for channels.
    """

    axis: Axis = -1


@settings
class Squeeze:
    """Takes axes of length one out.

    Attributes:
        axis: one or several, not that of the batch.
    """

    axis: Axes = (1, 2)


@settings
class ReduceMean(Squeeze):
    """The mean over axes.

    Attributes:
        keepdims: whether the axes stay, with length one.
    """

    keepdims: bool = False


@settings
class LocalResponseNormalization:
    """Each number divided by what is around it in neighbouring channels.

    Attributes:
        depth_radius: channels on either side.
        bias: k of y = x / (k + alpha * sum x^2)^beta, above 0.
        alpha: see `bias`.
        beta: see `bias`.
    """

    depth_radius: Count = 5
    bias: Positive = 1.0
    alpha: float = 1.0
    beta: float = 0.5


@settings
class SpaceToDepth:
    """Blocks of pixels become channels.

    Attributes:
        block_size: rows and columns of a block.
    """

    block_size: Count = 2


@settings
class Pad:
    """Zeros around the image.

    Attributes:
        padding: pixels on every side, [rows, columns] or [[top, bottom], [left, right]].
    """

    padding: Edges = ((1, 1), (1, 1))


@settings
class Crop:
    """The image without its edges.

    Attributes:
        cropping: pixels on every side, [rows, columns] or [[top, bottom], [left, right]].
    """

    cropping: Edges = ((1, 1), (1, 1))
