"""The check that a network can be built on the images it is given."""

import keras

from source.config.errors import ConfigError


def require_images(inputs: keras.KerasTensor, network: str, *, least_side: int = 1, fixed_size: bool = False) -> None:
    """Refuses inputs that the network cannot be built on, before a layer fails on an inner shape.

    Args:
        inputs: symbolic images, (b, h, w, c); h and w may be unknown.
        network: name for the message.
        least_side: fewest pixels on either side that leave something of the image after all strides.
        fixed_size: whether h and w have to be known, as they do before a flattening layer.

    Raises:
        ConfigError: if the inputs are no images, have no known channels, or are too small.
    """
    shape = tuple(inputs.shape)
    if len(shape) != 4 or shape[3] is None:
        _refuse(network, "be images (b, h, w, c) with known channels", shape)
    sides = shape[1:3]
    if fixed_size and None in sides:
        _refuse(network, "have a known height and width", shape)
    if any(side is not None and side < least_side for side in sides):
        _refuse(network, f"be at least {least_side} x {least_side} pixels", shape)


def _refuse(network: str, expected: str, shape: tuple[int | None, ...]) -> None:
    raise ConfigError(f"{network}: `inputs` must {expected}. Received: shape={shape}.")
