"""One batch worked off in parts, to fit a large batch into a small memory."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from source.config.errors import ConfigError
from source.modeler._gradient import Scalars

Batch = Mapping[str, tf.Tensor]


def in_parts(
    compute: Callable[[Batch], tuple[Scalars, list[tf.Tensor]]], batch: Batch, parts: int
) -> tuple[Scalars, list[tf.Tensor]]:
    """Returns the sums of what `compute` returns for each of the equal parts of a batch.

    Equal to computing them of the whole batch, up to the rounding of float32 sums, if they are sums over
    examples and no layer looks at other examples: batch normalisation sees parts. Only one part's activations
    live at a time.

    Args:
        compute: from a part of the batch to scalars and gradients.
        batch: tensors whose first axis is b.
        parts: how many; divides b.

    Raises:
        ConfigError: if `parts` does not divide b.
    """
    size = batch["image"].shape[0]
    if size is not None and size % parts:
        raise ConfigError(f"accumulation_steps: must divide the batch of {size}. Received: accumulation_steps={parts}.")
    length = tf.shape(batch["image"])[0] // parts if size is None else size // parts

    def part(index: tf.Tensor) -> tuple[Scalars, list[tf.Tensor]]:
        def cut(tensor: tf.Tensor) -> tf.Tensor:
            piece = tensor[index * length : (index + 1) * length]
            return piece if size is None else tf.ensure_shape(piece, [length, *tensor.shape[1:]])

        scalars, gradients = compute({name: cut(tensor) for name, tensor in batch.items()})
        return scalars, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def body(index: tf.Tensor, total: object) -> tuple[tf.Tensor, object]:
        return index + 1, tf.nest.map_structure(tf.add, total, part(index))

    _, total = tf.while_loop(
        lambda index, total: index < parts,
        body,
        (tf.constant(1), part(tf.constant(0))),
        parallel_iterations=1,
    )
    return total
