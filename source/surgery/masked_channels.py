"""Channels that masks have taken out, cut out for real."""

from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups
from source.graph.trace import trace
from source.layer.channel_mask import ChannelMask
from source.layer.compressed import Compressed
from source.surgery.channels import remove_channels


def without_masked_channels(plain: keras.Model, masked: keras.Model) -> keras.Model:
    """Returns a finished model without the channels that masks had taken out; the model itself if there are no masks.

    Where nothing is left of a branch, the sum or concatenation that it ends in does without it.

    Args:
        plain: what `masked` was finished to; its layers have the same paths.
        masked: the prepared model, with channel masks.

    Raises:
        ConfigError: if the masked weights are not found again.
    """
    lines = {(path, weight, axis): kept for path, weight, axis, kept in _lines(masked)}
    if not lines or all(kept.all() for kept in lines.values()):
        return plain
    groups = ChannelGroups(plain)
    gone = [
        groups.channels_of(site.labels)[~lines[key]]
        for site in groups.sites
        if (key := (site.path, site.weight, site.axis)) in lines
    ]
    if not gone:
        raise ConfigError(
            f"Model `{plain.name}`: none of the weights that channels are masked in is left under its name, so that "
            "they cannot be cut out. Finish the compressor of channels before the one that replaces layers."
        )
    removed = np.unique(np.concatenate(gone))
    emptied = any(np.isin(groups.channels_of(labels), removed).all() for labels in groups.flow.producers.values())
    return remove_channels(plain, groups, removed, allow_empty=emptied)


def _lines(model: keras.Model) -> Iterator[tuple[str, str, int, np.ndarray]]:
    """Yields layer, weight, axis and the booleans of every channel mask."""
    for step in trace(model).steps:
        chains = step.operation.weight_chains if isinstance(step.operation, Compressed) else {}
        for weight, chain in chains.items():
            for each in chain:
                if isinstance(each, ChannelMask):
                    for axis, line in each.kept.items():
                        yield step.path, weight, axis, np.asarray(ops.convert_to_numpy(line))
