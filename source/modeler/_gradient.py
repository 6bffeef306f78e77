"""Gradients: of the loss, of the L2 term, and their common length."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

Scalars = dict[str, tf.Tensor]


def of_loss(
    forward: Callable[[], Scalars],
    weights: Sequence[tf.Variable],
    scale: tf.Tensor | None,
) -> tuple[Scalars, list[tf.Tensor]]:
    """Returns what `forward` computed, and the gradient of its `loss` times `scale` for each weight.

    A weight that the loss does not depend on has a gradient of zeros.

    Args:
        forward: computes scalars, one of them called `loss`.
        weights: what to derive by.
        scale: factor of the loss, for float16; None is 1.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        scalars = forward()
        loss = scalars["loss"] if scale is None else scalars["loss"] * scale
    gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return scalars, gradients


def l2_loss(weights: Sequence[tf.Variable], factor: float) -> tf.Tensor:
    """Returns `factor * sum(w^2) / 2` over all weights.

    Args:
        weights: at least one.
        factor: of the term in the loss.
    """
    return factor * tf.add_n([tf.nn.l2_loss(weight) for weight in weights])


def add_l2(
    gradients: Sequence[tf.Tensor],
    weights: Sequence[tf.Variable],
    chosen: set[int],
    factor: float | tf.Tensor,
) -> list[tf.Tensor]:
    """Returns the gradients plus `factor * w`, the derivative of `l2_loss`, where a weight has that term.

    Written down instead of derived: the L2 term then needs no tape, is added once however many parts a batch
    is worked off in, and in float32 however low the network's precision.

    Args:
        gradients: of the data's loss, one for each weight.
        weights: all weights.
        chosen: positions of those that have an L2 term.
        factor: of the term in the loss, times the scale of the loss.
    """
    pairs = enumerate(zip(gradients, weights, strict=True))
    return [
        tf.convert_to_tensor(gradient) + factor * weight if i in chosen else gradient for i, (gradient, weight) in pairs
    ]


def clip(gradients: Sequence[tf.Tensor], longest: float, scale: tf.Tensor | None) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Returns the gradients, shortened together to a norm of at most `longest`, and their norm before that.

    `g * longest / max(norm, longest)` with the norm over all weights together, after Pascanu, Mikolov,
    Bengio: On the difficulty of training recurrent neural networks, 2013, https://arxiv.org/abs/1211.5063.
    Gradients that are not finite stay so, for whoever checks.

    Args:
        gradients: one for each weight, times `scale`.
        longest: largest norm allowed, of gradients that are not scaled.
        scale: factor that the gradients carry; None is 1. They still carry it when they come back.
    """
    norm = tf.linalg.global_norm(gradients)
    if scale is None:
        return tf.clip_by_global_norm(gradients, longest, use_norm=norm)
    clipped, _ = tf.clip_by_global_norm(gradients, longest * scale, use_norm=norm)
    return clipped, norm / scale


def loss_scale(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | None:
    """Returns the factor by which an optimizer wants the loss multiplied, or None if it wants none.

    Args:
        optimizer: a built optimizer.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.convert_to_tensor(optimizer.dynamic_scale.value)
    return None
