"""Which kernels read channels, as sums of products over them, and which channels something else reads, too."""

from collections.abc import Iterator

import keras
import numpy as np

from source.graph.channel_groups import ChannelGroups
from source.graph.channels.flow import Site
from source.graph.trace import Step
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.surgery.wrap import inside

_KINDS = (
    *(keras.layers.Dense, keras.layers.EinsumDense),
    *(keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention),
    *(keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM, keras.layers.Bidirectional),
    *(keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D),
)


def reads(site: Site) -> bool:
    """Returns whether a site is the axis of a kernel that products are summed over.

    A contraction is linear, so that a factor for each index of such an axis is a factor for each channel that is read.
    Depthwise kernels and normalizations pass channels on.

    Args:
        site: of the groups.
    """
    layer = _linear(site.layer)
    known = isinstance(layer, _KINDS) or weight_paths.is_convolution(layer)
    if not known or not site.weight.rpartition("/")[2].endswith("kernel"):
        return False
    if weight_paths.is_depthwise(layer, site.weight):
        return False
    if isinstance(layer, keras.layers.EinsumDense):
        operands, output = layer.equation.replace(" ", "").split("->")
        return operands.split(",")[1].replace("...", "")[site.axis] not in output
    rank = len(weight_paths.of(site.layer)[site.weight].shape)
    return site.axis != weight_paths.channel_axis(layer, site.weight) % rank


def read_otherwise(groups: ChannelGroups) -> dict[int, str]:
    """Returns for numbers of channels that something else than a kernel reads, too, the path of that.

    Args:
        groups: of the model.
    """
    by_kernels: dict[int, set[int]] = {}
    for site in groups.sites:
        if reads(site):
            by_kernels.setdefault(id(site.layer), set()).update(groups.channels_of(site.labels).tolist())
    found: dict[int, str] = {}
    for step in groups.trace.steps:
        if step.operation is not None:
            for channel in _consumed(step, groups) - by_kernels.get(id(inside(step.operation)), set()):
                found.setdefault(channel, step.path)
    return found


def _consumed(step: Step, groups: ChannelGroups) -> set[int]:
    """Returns the channels that go into a call and do not come out of it."""
    entering = set(_channels(step.inputs, groups))
    # Its output has the channels of the value, but its scores are sums over those of query and key.
    is_attention = isinstance(inside(step.operation), keras.layers.Attention)
    return entering if is_attention else entering - set(_channels(step.outputs, groups))


def _channels(tensors: tuple[keras.KerasTensor, ...], groups: ChannelGroups) -> Iterator[int]:
    for tensor in tensors:
        yield from np.unique(groups.channels_of(groups.flow.of(tensor))).tolist()


def _linear(layer: keras.layers.Layer) -> keras.layers.Layer:
    layer = layer.linear if isinstance(layer, BatchNormalized) else layer
    return layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
