"""From RGB pixels in [0, 255] to what a network of `keras.applications` takes, as plain layers."""

import keras

from source.config.errors import ConfigError

# The first entry that an application's name begins with says what its `preprocess_input` does.
_CONVENTIONS = (
    ("ConvNeXt", "included"),  # these four scale their inputs themselves
    ("EfficientNet", "included"),
    ("MobileNetV3", "included"),
    ("DenseNet", "standardized"),
    ("InceptionResNetV2", "symmetric"),
    ("InceptionV3", "symmetric"),
    ("MobileNet", "symmetric"),
    ("NASNet", "symmetric"),
    ("Xception", "symmetric"),
    ("ResNet50V2", "symmetric"),
    ("ResNet101V2", "symmetric"),
    ("ResNet152V2", "symmetric"),
    ("ResNet", "centered"),
    ("VGG", "centered"),
)
# Of the ImageNet training images, red, green, blue; pixels in [0, 255] and in [0, 1].
# https://keras.io/api/applications and https://pytorch.org/vision/stable/models.html
_MEAN_PIXEL = (123.68, 116.779, 103.939)
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


def convention(application: str) -> str:
    """Returns what an application does to pixels before its first convolution.

    Args:
        application: a name in `keras.applications`.

    Returns:
        "included": nothing, its own layers do. "symmetric": x / 127.5 - 1. "standardized": (x / 255 - mean) /
        deviation. "centered": blue, green, red minus their mean.

    Raises:
        ConfigError: if it is not known for this application.
    """
    for beginning, name in _CONVENTIONS:
        if application.startswith(beginning):
            return name
    raise ConfigError(f'`input_convention` must be "native" for {application}, whose own convention is not known here.')


def from_pixels(x: keras.KerasTensor, application: str) -> keras.KerasTensor:
    """Returns images as the application takes them, by layers that have no weights and compute in float32.

    Args:
        x: RGB images in [0, 255], (b, h, w, 3).
        application: a name in `keras.applications`.

    Returns:
        Images of the same shape.

    Raises:
        ConfigError: if the application's convention is not known.
    """
    name = convention(application)
    if name == "symmetric":
        return _rescale(x, 1 / 127.5, -1.0)
    if name == "standardized":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return _rescale(x, scale, offset)
    if name == "centered":
        return _rescale(_blue_green_red(x), 1.0, [-mean for mean in reversed(_MEAN_PIXEL)])
    return x


def _rescale(x: keras.KerasTensor, scale: float | list[float], offset: float | list[float]) -> keras.KerasTensor:
    # float32 under mixed precision too: bfloat16 would round 255 levels to 8 significant bits after scaling.
    return keras.layers.Rescaling(scale, offset, dtype="float32", name="input_rescaling")(x)


def _blue_green_red(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns the channels in reverse order: one cropping layer takes each, and they are put together again.

    Cropping2D crops the last two axes when it is told that channels come first; here those are columns
    (cropped by nothing) and channels.
    """
    channels = [
        keras.layers.Cropping2D(
            ((0, 0), (index, 2 - index)),
            data_format="channels_first",
            dtype="float32",
            name=f"input_{color}",
        )(x)
        for index, color in ((2, "blue"), (1, "green"), (0, "red"))
    ]
    return keras.layers.Concatenate(dtype="float32", name="input_blue_green_red")(channels)
