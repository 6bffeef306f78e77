"""A model in, a model with fewer channels out: the weights that belong to the channels that stay."""

import keras
import numpy as np

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.layer.batch_normalized import BatchNormalized
from source.layer.compressed import Compressed
from source.surgery._other_widths import with_other_widths


def remove_channels(model: keras.Model, groups: ChannelGroups, removed: np.ndarray) -> keras.Model:
    """Returns a plain copy of a model without some channels; what remains of each weight is copied bit for bit.

    The outputs are those of the model if the channels carried zeros to all that used them.

    Args:
        model: functional or sequential, built.
        groups: of this model.
        removed: numbers of the channels that go.

    Raises:
        ConfigError: for channels that may not go, and for a layer that nothing would be left of.
    """
    _refuse(groups, removed)
    _refuse_prepared(groups, removed)
    gone = np.zeros(groups.count, bool)
    gone[removed] = True
    return with_other_widths(model, groups, lambda labels: ~gone[groups.channels_of(labels)])


def _refuse(groups: ChannelGroups, removed: np.ndarray) -> None:
    free = np.concatenate([group.channels for group in groups.prunable] or [np.zeros(0, np.int64)])
    fixed = np.setdiff1d(removed, free)
    for group in groups.groups:
        if len(np.intersect1d(group.channels, fixed)):
            raise ConfigError(f"Channels of `{group.name}` may not go: {'; '.join(group.fixed)}.")
    if len(fixed):
        raise ConfigError(f"removed: expected numbers of channels of `groups.prunable`. Received: {fixed.tolist()}.")
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
