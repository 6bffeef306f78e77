"""How many multiplications one example takes in a layer, told apart by the weight that takes part in them."""

import math
from collections.abc import Callable, Sequence

import keras

from source.config.errors import ConfigError
from source.layer import weight_paths

# Key of products in which both factors are activations, as those of queries and keys are.
BETWEEN_ACTIVATIONS = "activations"

Shape = Sequence[int | None]
Counts = dict[str, int]


def multiplications(layer: keras.layers.Layer, *shapes: Shape) -> Counts:
    """Returns for each kernel how many numbers it is multiplied with for one example, all its entries counted.

    Additions come free: a product and its addition are one operation. Products that padding makes zero count; those of
    biases, normalization, pooling and activations do not. An embedding looks its numbers up and multiplies nothing.

    Args:
        layer: built, not wrapped.
        *shapes: of its inputs in the order of the arguments, (b, ...), with all lengths but b known.

    Returns:
        Path of a weight below the layer to products; products of activations with each other under "activations".

    Raises:
        ConfigError: for a kind of layer that has kernels and is not known here, and for lengths that are not known.
    """
    kernels = _kernels(layer)
    if not kernels or isinstance(layer, keras.layers.Embedding):
        return {}
    if any(length is None for shape in shapes for length in shape[1:]):
        raise ConfigError(
            f"Multiplications of layer `{layer.name}` cannot be counted: its input {tuple(shapes[0])} has lengths that "
            "are not known. Give the model an input of fixed size."
        )
    for kinds, count in _KINDS:
        if isinstance(layer, kinds):
            return count(layer, kernels, *shapes)
    raise _unknown(layer)


def _unknown(layer: keras.layers.Layer) -> ConfigError:
    return ConfigError(
        f"Multiplications of layer `{layer.name}` cannot be counted: layers of class {type(layer).__name__} are not "
        "known. Let a rule skip the layer, or give a budget in bytes."
    )


def _dense(layer: keras.layers.Layer, kernels: Counts, shape: Shape) -> Counts:
    return _times(kernels, _positions(shape[:-1]))


def _convolution(layer: keras.layers.Layer, kernels: Counts, shape: Shape) -> Counts:
    """Every entry of the kernel is used once at each position of the output."""
    return _times(kernels, _positions(_spatial(layer, layer.compute_output_shape(tuple(shape)))))


def _transposed(layer: keras.layers.Layer, kernels: Counts, shape: Shape) -> Counts:
    """Every entry of the kernel is used once at each position of the input."""
    return _times(kernels, _positions(_spatial(layer, shape)))


def _einsum(layer: keras.layers.EinsumDense, kernels: Counts, shape: Shape) -> Counts:
    """One product for each combination of the indices of input and kernel."""
    letters, kernel = layer.equation.replace(" ", "").split("->")[0].split(",")
    named = len(letters.replace("...", ""))
    hidden = len(shape) - named  # axes that an ellipsis stands for
    before = letters.index("...") if "..." in letters else len(letters)
    lengths = dict(zip(kernel, tuple(layer.kernel.shape), strict=True))
    axes = [*letters[:before], *(f"axis {each}" for each in range(hidden)), *letters[before + 3 :]]
    for axis, length in list(zip(axes, shape, strict=True))[1:]:
        lengths[axis] = int(length or 1)
    return dict.fromkeys(kernels, math.prod(lengths.values()))


def _recurrent(layer: keras.layers.Layer, kernels: Counts, shape: Shape, *_: Shape) -> Counts:
    return _times(kernels, int(shape[1] or 1))


def _recurrent_convolution(layer: keras.layers.Layer, kernels: Counts, shape: Shape, *_: Shape) -> Counts:
    """At each step, every entry of both kernels is used once at each position of the output."""
    output = layer.cell.compute_output_shape((shape[0], *shape[2:]))[0]
    return _times(kernels, int(shape[1] or 1) * _positions(_spatial(layer, output)))


def _bidirectional(layer: keras.layers.Bidirectional, kernels: Counts, shape: Shape, *_: Shape) -> Counts:
    if not isinstance(layer.forward_layer, _RECURRENT):
        raise _unknown(layer.forward_layer)
    return _recurrent(layer, kernels, shape)


def _time_distributed(layer: keras.layers.TimeDistributed, kernels: Counts, shape: Shape, *_: Shape) -> Counts:
    outer = {id(variable): path for path, variable in weight_paths.of(layer).items()}
    paths = {path: outer[id(variable)] for path, variable in weight_paths.of(layer.layer).items()}
    inner = multiplications(layer.layer, (shape[0], *shape[2:]))
    return _times({paths.get(path, path): count for path, count in inner.items()}, int(shape[1] or 1))


def _attention(layer: keras.layers.Layer, kernels: Counts, query: Shape, value: Shape, key: Shape = ()) -> Counts:
    """Projections of queries, keys and values, their products with each other, and the projection of the output."""
    queries, values = _positions(query[:-1]), _positions(value[:-1])
    rows = {"query": queries, "attention_output": queries, "key": values, "value": values}
    attended = layer.get_config().get("attention_axes")
    reached = math.prod(int(value[axis] or 1) for axis in attended) if attended else values
    shapes = {path.split("/")[0]: tuple(each.shape) for path, each in weight_paths.of(layer).items() if path in kernels}
    # Each query meets each key in all numbers of its heads, and weighs as many values as the output projects.
    widths = math.prod(shapes["query"][1:]) + math.prod(shapes["attention_output"][:2])
    counts = {path: rows[path.split("/")[0]] * size for path, size in kernels.items()}
    return {**counts, BETWEEN_ACTIVATIONS: queries * reached * widths}


_RECURRENT = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU)
_KINDS: tuple[tuple[tuple[type, ...], Callable[..., Counts]], ...] = (
    ((keras.layers.Dense,), _dense),
    ((keras.layers.EinsumDense,), _einsum),
    ((keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose), _transposed),
    ((keras.layers.SeparableConv1D, keras.layers.SeparableConv2D), _convolution),
    ((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), _convolution),
    ((keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D), _convolution),
    ((keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention), _attention),
    (_RECURRENT, _recurrent),
    ((keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D), _recurrent_convolution),
    ((keras.layers.Bidirectional,), _bidirectional),
    ((keras.layers.TimeDistributed,), _time_distributed),
)


def _kernels(layer: keras.layers.Layer) -> Counts:
    """Returns the entries of each kernel by its path."""
    weights = weight_paths.of(layer).items()
    return {path: math.prod(each.shape) for path, each in weights if weight_paths.is_kernel(path, each)}


def _times(counts: Counts, factor: int) -> Counts:
    return {path: count * factor for path, count in counts.items()}


def _positions(shape: Shape) -> int:
    """Returns the product of all lengths but the first, which is that of the batch."""
    return math.prod(int(length or 1) for length in shape[1:])


def _spatial(layer: keras.layers.Layer, shape: Shape) -> Shape:
    """Returns a shape without its channels."""
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return (shape[0], *shape[2:])
    return shape[:-1]
