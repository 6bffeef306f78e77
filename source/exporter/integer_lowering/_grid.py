"""The integers that weights are: codes and one scale for each output channel, found from the numbers alone."""

import numpy as np

from source.config.errors import ConfigError

# Numbers that were rounded to float32 are this close to whole multiples of their scale, in scales.
_NEAR = 2.0**-14
_LARGEST = 255


def weight_codes(columns: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes (numbers, channels) and scales (channels,), float32, with float32(code) * scale = weight.

    Of all scales that have codes of at most 8 bits and a sign, the one with the smallest codes is taken. A channel of
    zeros has scale 0.

    Args:
        columns: weights (numbers, channels), float32.
        name: of the layer, for the message.

    Raises:
        ConfigError: if a channel has no such scale.
    """
    weights = np.asarray(columns, np.float32)
    codes, scales = np.zeros(weights.shape, np.int16), np.zeros(weights.shape[1], np.float32)
    for channel in range(weights.shape[1]):
        column = weights[:, channel]
        scale = _scale(column)
        if scale is None:
            raise ConfigError(
                f"Layer `{name}`: the weights of output channel {channel} are no multiples of a scale with codes of 8 "
                "bits. Train or round the model with the compressor `quantize_aware` or `quantize_post_training` and "
                "integer weights, and export what `finish` returns."
            )
        scales[channel] = scale
        codes[:, channel] = np.rint(column.astype(np.float64) / scale) if scale else 0
    return codes, scales


def _scale(column: np.ndarray) -> float | None:
    """Returns the scale of a channel; 0 for zeros, None if there is none."""
    magnitudes = np.unique(np.abs(column))
    magnitudes = magnitudes[magnitudes > 0].astype(np.float64)
    if not np.isfinite(column).all():
        return None
    if not magnitudes.size:
        return 0.0
    largest = np.arange(1, _LARGEST + 1)[:, np.newaxis]
    steps = magnitudes / magnitudes[-1] * largest
    distance = np.abs(steps - np.rint(steps)).max(axis=1)
    for code in largest[(distance < _NEAR) & (np.rint(steps[:, 0]) > 0), 0]:
        found = _exact_scale(magnitudes, int(code))
        if found is not None:
            return found
    return None


def _exact_scale(magnitudes: np.ndarray, largest: int) -> float | None:
    """Returns the float32 scale whose products with codes up to `largest` are the magnitudes, bit for bit."""
    scale = np.float32(magnitudes[-1] / largest)
    codes = np.rint(magnitudes / scale).astype(np.float32)
    bits = scale.view(np.int32) + np.array([0, 1, -1, 2, -2], np.int32)
    for candidate in bits.view(np.float32):
        if np.array_equal(codes * candidate, magnitudes.astype(np.float32)):
            return float(candidate)
    return None
