"""Scores: how much an entry of a weight is worth; patterns keep the highest."""

from collections.abc import Sequence

from keras import ops

from source.config.errors import ConfigError
from source.numeric import _counter
from source.numeric._bits import Tensor


def magnitude(w: Tensor) -> Tensor:
    """Returns |w|.

    Han et al.: Learning both weights and connections, 2015, https://arxiv.org/abs/1506.02626

    Args:
        w: floating point, of any shape.
    """
    return ops.abs(w)


def gradient(w: Tensor, g: Tensor) -> Tensor:
    """Returns |g|: entries that the loss asks to change live, pruned ones too.

    Args:
        w: the weight.
        g: the gradient of the loss, in the shape of w.

    Raises:
        ConfigError: for another shape.
    """
    _same_shape(w, g, "g")
    return ops.abs(g)


def taylor(w: Tensor, g: Tensor) -> Tensor:
    """Returns |w * g|, to first order the change of the loss when the entry becomes zero.

    Molchanov et al.: Importance estimation for neural network pruning, 2019, https://arxiv.org/abs/1906.10771

    Args:
        w: the weight.
        g: the gradient of the loss, in the shape of w.

    Raises:
        ConfigError: for another shape.
    """
    _same_shape(w, g, "g")
    return ops.abs(w * g)


def movement(accumulated: Tensor, w: Tensor, g: Tensor) -> Tensor:
    """Returns accumulated - w * g: high for entries that move away from zero; the scores have a sign.

    Sanh et al.: Movement pruning, 2020, https://arxiv.org/abs/2005.07683

    Args:
        accumulated: what the function returned a step before, zeros at first.
        w: the weight.
        g: the gradient of the loss, in the shape of w.

    Raises:
        ConfigError: for another shape.
    """
    _same_shape(w, g, "g")
    _same_shape(w, accumulated, "accumulated")
    return accumulated - w * g


def wanda(w: Tensor, input_norms: Tensor, axis: int = -2) -> Tensor:
    """Returns |w| times the norm of the input that the entry is multiplied with.

    Sun et al.: A simple and effective pruning approach for large language models, 2023,
    https://arxiv.org/abs/2306.11695

    Args:
        w: the weight.
        input_norms: of each input feature over the calibration data, not negative, of shape (w.shape[axis],).
        axis: of the input features; -2 in the kernels of `Dense` and of convolutions.

    Raises:
        ConfigError: when the axis is not there, or has another length.
    """
    rank = len(w.shape)
    if not -rank <= axis < rank:
        raise ConfigError(f"`axis` must be in [{-rank}, {rank}) for {rank} axes. Received: axis={axis}.")
    if tuple(input_norms.shape) != (w.shape[axis],):
        raise ConfigError(
            f"`input_norms` must have the shape ({w.shape[axis]},), that of axis {axis}. "
            f"Received: shape={tuple(input_norms.shape)}."
        )
    return ops.abs(w) * ops.reshape(input_norms, [-1 if place == axis % rank else 1 for place in range(rank)])


def batch_norm_scale(gamma: Tensor) -> Tensor:
    """Returns |gamma|, the score of the channels that a batch normalization scales.

    Liu et al.: Learning efficient convolutional networks through network slimming, 2017,
    https://arxiv.org/abs/1708.06519

    Args:
        gamma: of shape (channels,).
    """
    return ops.abs(gamma)


def random(shape: Sequence[int], seed: int | Tensor) -> Tensor:
    """Returns float32 in [0, 1), the same for the same seed on every backend: the score to compare others with.

    Args:
        shape: of the weight.
        seed: an integer, or a scalar int32 tensor.
    """
    return _counter.uniform(ops.zeros(tuple(shape), "float32"), seed)


def _same_shape(w: Tensor, other: Tensor, name: str) -> None:
    if tuple(other.shape) != tuple(w.shape):
        raise ConfigError(
            f"`{name}` must have the shape of the weight, {tuple(w.shape)}. Received: shape={tuple(other.shape)}."
        )
