"""Draws the channel groups of a small residual network, as the page about channels shows them.

python docs/draw_channels.py

It needs the program `dot` of graphviz for `channels.svg`, and prints the groups as text. A test holds both to the
network.
"""

import sys
from pathlib import Path

import keras
from keras import layers

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from source.graph.channel_groups import channel_groups  # noqa: E402  (found through the path set above)
from source.graph.channel_picture import to_svg, to_text  # noqa: E402

PICTURE = ROOT / "docs" / "channels.svg"


def network() -> keras.Model:
    """Returns two stages of two residual blocks each; the second stage is twice as wide."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same", name="stem")(inputs))
    x = _block(_block(x, 16, "a1"), 16, "a2")
    x = _block(_block(x, 32, "b1", strides=2), 32, "b2")
    return keras.Model(inputs, layers.Dense(10, name="head")(layers.GlobalAveragePooling2D()(x)))


def _block(x: keras.KerasTensor, filters: int, name: str, strides: int = 1) -> keras.KerasTensor:
    y = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, name=f"{name}_conv1")(x)
    y = layers.ReLU()(layers.BatchNormalization(name=f"{name}_norm1")(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv2")(y)
    y = layers.BatchNormalization(name=f"{name}_norm2")(y)
    if strides > 1:
        x = layers.Conv2D(filters, 1, strides, name=f"{name}_shortcut")(x)
    return layers.ReLU()(layers.Add()([x, y]))


if __name__ == "__main__":
    groups = channel_groups(network())
    print(to_text(groups))
    to_svg(groups, PICTURE)
