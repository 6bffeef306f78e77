"""What tests look at: channels of small models by the layer that makes them and their place in it."""

import re

import keras

from source.graph.channel_groups import ChannelGroups, channel_groups


def names_of(groups: ChannelGroups) -> dict[int, str]:
    """Returns for every channel that a layer makes the path of the first such layer and its place: `conv 3`."""
    found: dict[int, str] = {}
    for path, labels in groups.flow.producers.items():
        for place, channel in enumerate(groups.channels_of(labels).tolist()):
            found.setdefault(channel, f"{path} {place}")
    return found


def sites_of(model: keras.Model, path: str) -> dict[str, str]:
    """Returns for every site of a layer, such as `kernel 0`, its channels; `-` for those that no layer makes."""
    groups = channel_groups(model)
    names = names_of(groups)
    return {
        f"{site.weight} {site.axis}": ", ".join(
            names.get(channel, "-") for channel in groups.channels_of(site.labels).tolist()
        )
        for site in groups.sites
        if site.path == path
    }


def groups_of(model: keras.Model) -> list[str]:
    """Returns a line for each group: its layers, how many channels, why they stay, what is in doubt.

    Layers of a group stand in the order of their names; operations are named without the numbers that Keras counts on.
    """
    lines = [
        " | ".join([f"{' + '.join(sorted(group.producers))}: {len(group)}", *group.fixed, *group.doubts])
        for group in channel_groups(model).groups
    ]
    return [re.sub(r"_\d+`", "`", line) for line in lines]


def output_of(model: keras.Model, position: int = 0) -> str:
    """Returns the channels of an output along the axis where they differ."""
    groups = channel_groups(model)
    names = names_of(groups)
    tensor = groups.trace.outputs[position]
    labels = groups.flow.channels(tensor, groups.flow.axis_of(tensor))
    return ", ".join(names.get(channel, "-") for channel in groups.channels_of(labels).tolist())


def made(*parts, shape=(4, 4, 3), filters: int = 2) -> keras.Model:
    """Returns a convolution `made` of 1 x 1, and the parts one after the other."""
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(filters, 1, name="made")(inputs)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def steps(*parts, units: int = 2) -> keras.Model:
    """Returns a dense layer `made` on each of three steps, and the parts one after the other."""
    inputs = keras.Input((3, 4))
    x = keras.layers.Dense(units, name="made")(inputs)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)
