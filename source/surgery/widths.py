"""Widths of layers: rounded up for hardware, multiplied, written down, and taken from what was written down."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.graph.channel_groups import ChannelGroups, channel_groups
from source.layer import weight_paths
from source.surgery._branches import stand_ins, with_what_reads_nothing
from source.surgery._other_widths import with_other_widths
from source.surgery.channels import remove_channels

# What older tools put behind the name of a layer.
_KINDS = ("Conv2D", "Conv2DTranspose", "conv2d_transpose", "separable_conv2d", "DepthwiseConv2D", "Dense", "MatMul")


def structure(model: keras.Model) -> dict[str, int]:
    """Returns how many channels each layer makes, by its path, in the order of the names.

    Args:
        model: functional or sequential, built.
    """
    return {path: len(labels) for path, labels in sorted(channel_groups(model).flow.producers.items())}


def from_structure(model: keras.Model, widths: Mapping[str, int], weights: bool = True) -> keras.Model:
    """Returns a model whose layers have the widths that a structure says; others keep theirs.

    Of each group, the channels stay whose weights have the largest sum of squares. A layer of width 0 goes, with all
    that then reads nothing.

    Args:
        model: functional or sequential, built, at least as wide.
        widths: path of a layer, with or without its kind behind it (`block/conv/Conv2D`), to its width.
        weights: whether weights are kept; otherwise layers of another width get initial ones.

    Raises:
        ConfigError: for unknown layers, for widths that no choice of channels gives, and for those that differ among
            layers whose channels go together.
    """
    groups = channel_groups(model)
    wanted = {_path_of(name, groups): width for name, width in widths.items()}
    scores = _sums_of_squares(groups)
    gone = [np.zeros(0, np.int64)]
    stays = _stays(groups, wanted)
    for key, group in enumerate(groups.prunable):
        gone.append(group.channels[np.argsort(scores[group.channels], kind="stable")[: len(group) - stays[key]]])
    removed = np.concatenate(gone)
    found = {path: int((~np.isin(groups.channels_of(groups.flow.producers[path]), removed)).sum()) for path in wanted}
    for path, width in wanted.items():
        if found[path] != width:
            mine = _shares(path, groups)[1]
            tied = [f"`{each}`: {wanted[each]}" for each in wanted if mine.keys() & _shares(each, groups)[1].keys()]
            if len(tied) > 1:
                raise ConfigError(
                    f"Layers whose channels go together need widths that fit. Received: {', '.join(tied)}; with "
                    f"`{path}` of {found[path]}, the others would."
                )
            raise ConfigError(f"Layer `{path}`: no choice of channels leaves {width}; nearest is {found[path]}.")
    if weights:
        return remove_channels(model, groups, removed, allow_empty=0 in wanted.values(), allow_doubts=True)
    counts = np.ones(groups.count, np.int64)
    counts[with_what_reads_nothing(groups, removed)] = 0

    def kept(labels: np.ndarray) -> np.ndarray:
        return counts[groups.channels_of(labels)]

    return with_other_widths(model, groups, kept, fresh=True, stand_ins=stand_ins(groups, kept))


def expand(model: keras.Model, multiplier: float, multiple: int = 1) -> keras.Model:
    """Returns a model with the widths of all free groups multiplied; layers of another width have initial weights.

    Args:
        model: functional or sequential, built.
        multiplier: positive; below 1 for a narrower model.
        multiple: that widths are rounded to, up and down, but not to 0.

    Raises:
        ConfigError: for numbers that are not positive.
    """
    groups = channel_groups(model)
    counts = multiplied(groups, multiplier, multiple)
    return with_other_widths(model, groups, lambda labels: counts[groups.channels_of(labels)], fresh=True)


def multiplied(groups: ChannelGroups, multiplier: float, multiple: int = 1) -> np.ndarray:
    """Returns how often each channel is there, by its number, when the widths of all free groups are multiplied.

    Args:
        groups: of a model.
        multiplier: positive.
        multiple: that widths are rounded to, up and down, but not to 0.

    Raises:
        ConfigError: for numbers that are not positive.
    """
    if multiplier <= 0 or multiple < 1:
        raise ConfigError(f"Both must be positive. Received: multiplier={multiplier}, multiple={multiple}.")
    counts = np.ones(groups.count, np.int64)
    for group in groups.prunable:
        width = max(1, round(multiplier * len(group) / multiple)) * multiple
        counts[group.channels] = width // len(group)
        counts[group.channels[: width % len(group)]] += 1
    return counts


def round_up_kept(
    groups: ChannelGroups, removed: np.ndarray, multiple: int, scores: np.ndarray | None = None
) -> np.ndarray:
    """Returns the channels that still go when every layer is to have a multiple of a width, or all of its own.

    Args:
        groups: of the model.
        removed: numbers of the channels that were to go.
        multiple: such as 8, 16 or 32.
        scores: one for each number of a channel; those with higher ones are given back first. None gives back those
            with lower numbers first.

    Raises:
        ConfigError: for a multiple that is not positive.
    """
    if multiple < 1:
        raise ConfigError(f"`multiple` must be positive. Received: multiple={multiple}.")
    gone = np.zeros(groups.count, bool)
    gone[removed] = True
    for group in groups.prunable:
        mine = group.channels[gone[group.channels]]
        order = np.argsort(mine if scores is None else -scores[mine], kind="stable")
        for channel in mine[order].tolist():
            if all(_width(path, groups, gone) % multiple == 0 for path in group.producers):
                break
            gone[channel] = False
    return np.flatnonzero(gone)


def _width(path: str, groups: ChannelGroups, gone: np.ndarray) -> int:
    return int((~gone[groups.channels_of(groups.flow.producers[path])]).sum())


def _path_of(name: str, groups: ChannelGroups) -> str:
    """Returns the path of the layer that a name in a structure means."""
    plain, _, kind = name.rpartition("/")
    plain = plain if plain and kind in _KINDS else name
    paths = list(groups.flow.producers)
    found = [path for path in paths if plain == path or plain.endswith(f"/{path}") or path.endswith(f"/{plain}")]
    if len(found) != 1:
        raise ConfigError(f"`{name}`: expected the name of one layer that makes channels. {did_you_mean(plain, paths)}")
    return found[0]


def _stays(groups: ChannelGroups, wanted: Mapping[str, int]) -> dict[int, int]:
    """Returns how many channels of each group stay, by its place: first where a width leaves no choice.

    A layer that makes channels of several groups, as where a residual trunk gets wider, says only how many they are
    together; other layers of these groups say the rest.
    """
    stays: dict[int, int] = {}
    open_layers = {path: _shares(path, groups) for path in wanted}
    while open_layers:
        path = min(open_layers, key=lambda each: len([key for key in open_layers[each][1] if key not in stays]))
        others, shares = open_layers.pop(path)
        rest = wanted[path] - others - sum(stays[key] * share for key, share in shares.items() if key in stays)
        for key in [key for key in shares if key not in stays]:
            size = len(groups.prunable[key])
            later = sum(
                len(groups.prunable[each]) * shares[each] for each in shares if each not in stays and each != key
            )
            stays[key] = min(max(0, (rest - later) // shares[key]), size)
            rest -= stays[key] * shares[key]
    return {key: stays.get(key, len(group)) for key, group in enumerate(groups.prunable)}


def _shares(path: str, groups: ChannelGroups) -> tuple[int, dict[int, int]]:
    """Returns how many channels of a layer stay anyway, and how often each channel of each group comes."""
    labels = groups.channels_of(groups.flow.producers[path])
    shares = {}
    others = len(labels)
    for key, group in enumerate(groups.prunable):
        mine = int(np.isin(labels, group.channels).sum())
        others -= mine
        if mine:
            shares[key] = max(1, mine // len(group))
    return others, shares


def _sums_of_squares(groups: ChannelGroups) -> np.ndarray:
    """Returns for each number of a channel the sum of squares of all kernels along it."""
    found = np.zeros(groups.count)
    for site in groups.sites:
        values: Any = np.asarray(ops.convert_to_numpy(weight_paths.of(site.layer)[site.weight]), np.float64)
        if values.ndim > 1:
            others = tuple(axis for axis in range(values.ndim) if axis != site.axis)
            np.add.at(found, groups.channels_of(site.labels), np.square(values).sum(axis=others))
    return found
