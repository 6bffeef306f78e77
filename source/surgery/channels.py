"""A model in, a model with fewer channels out: the weights that belong to the channels that stay."""

import keras
import numpy as np

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Compressed
from source.surgery._branches import stand_ins, with_what_reads_nothing
from source.surgery._other_widths import with_other_widths

_DOUBTS = 3  # in one message: a trunk may be normalized in every block


def remove_channels(
    model: keras.Model,
    groups: ChannelGroups,
    removed: np.ndarray,
    allow_empty: bool = False,
    allow_doubts: bool = False,
) -> keras.Model:
    """Returns a plain copy of a model without some channels; what remains of each weight is copied bit for bit.

    The outputs are those of the model if the channels carried zeros to all that used them.

    Args:
        model: functional or sequential, built.
        groups: of this model.
        removed: numbers of the channels that go.
        allow_empty: whether all channels of a layer may go. The layers that then read nothing go with them; a sum or
            a concatenation does without what they made.
        allow_doubts: whether channels may go that a layer normalizes over, although what stays then becomes something
            else: mean and variance are those of the channels that stay.

    Raises:
        ConfigError: for channels that may not go, for those with doubts and for a layer that nothing would be left of
            unless that is allowed, and for layers that then cannot be left out.
    """
    _refuse(groups, removed)
    if not allow_doubts:
        _refuse_doubts(groups, removed)
    if allow_empty:
        removed = with_what_reads_nothing(groups, removed)
    else:
        _refuse_empty(groups, removed)
    _refuse_prepared(groups, removed)
    gone = np.zeros(groups.count, bool)
    gone[removed] = True

    def kept(labels: np.ndarray) -> np.ndarray:
        return ~gone[groups.channels_of(labels)]

    return with_other_widths(model, groups, kept, stand_ins=stand_ins(groups, kept) if allow_empty else None)


def refuse_empty_branches(groups: ChannelGroups, removed: np.ndarray) -> None:
    """Refuses channels without which some layer reads nothing that the model cannot do without.

    Args:
        groups: of a model.
        removed: numbers of the channels that go.

    Raises:
        ConfigError: naming the layer.
    """
    _refuse(groups, removed)
    gone = np.zeros(groups.count, bool)
    gone[with_what_reads_nothing(groups, removed)] = True
    stand_ins(groups, lambda labels: ~gone[groups.channels_of(labels)])


def _refuse(groups: ChannelGroups, removed: np.ndarray) -> None:
    free = np.concatenate([group.channels for group in groups.prunable] or [np.zeros(0, np.int64)])
    fixed = np.setdiff1d(removed, free)
    for group in groups.groups:
        if len(np.intersect1d(group.channels, fixed)):
            raise ConfigError(f"Channels of `{group.name}` may not go: {'; '.join(group.fixed)}.")
    if len(fixed):
        raise ConfigError(f"removed: expected numbers of channels of `groups.prunable`. Received: {fixed.tolist()}.")


def _refuse_doubts(groups: ChannelGroups, removed: np.ndarray) -> None:
    for group in groups.prunable:
        if group.doubts and np.isin(group.channels, removed).any():
            raise ConfigError(
                f"Channels of `{group.name}` cannot go without changing others: {'; '.join(group.doubts[:_DOUBTS])}. "
                "Leave them, or accept that by `allow_doubts=True`, and train what is left."
            )


def _refuse_empty(groups: ChannelGroups, removed: np.ndarray) -> None:
    for path, labels in groups.flow.producers.items():
        if np.isin(groups.channels_of(labels), removed).all():
            raise ConfigError(f"Layer `{path}`: no channel would be left of {len(labels)}. Keep one at least.")


def _refuse_prepared(groups: ChannelGroups, removed: np.ndarray) -> None:
    touched = {id(site.layer) for site in groups.sites if np.isin(groups.channels_of(site.labels), removed).any()}
    for step in groups.trace.steps:
        inner = step.operation.layer if isinstance(step.operation, Compressed) else step.operation
        if id(inner) in touched and isinstance(step.operation, (Compressed, BatchNormalized)):
            raise ConfigError(
                f"Layer `{step.path}` is prepared by a compressor, so its channels cannot be removed now. Remove them "
                "before `prepare`, or from the finished model."
            )
