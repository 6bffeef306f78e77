"""What a compressed model's layers see, made their own: plain Keras layers with the same outputs."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.channel_gate import ChannelGate
from source.layer.compressed import Compressed
from source.layer.distillation_loss import DistillationLoss
from source.layer.transformation import Transformation
from source.surgery.factorise import in_turn, split, split_refusal, trained_factors
from source.surgery.masked_channels import without_masked_channels
from source.surgery.rewrite import clone, pass_on, rewrite


def bake(model: keras.Model) -> keras.Model:
    """Returns a copy of a model without wrappers, whose outputs in inference are those of the model.

    Every wrapped weight becomes what the layer saw. Where that is a product of trained factors, the layer becomes two
    with the factors as their weights if they are fewer numbers, and outputs differ by the rounding of float32.
    Channels that masks have taken out are cut out. Transformations of inputs and outputs become operations of Keras
    where Keras has the same, and stay a layer of their own otherwise.

    Args:
        model: functional or sequential; layers that are not wrapped are copied.
    """
    return without_masked_channels(rewrite(model, _replacement), model)


def _replacement(layer: keras.layers.Layer) -> Callable[..., Any] | None:
    if isinstance(layer, DistillationLoss):
        return pass_on
    if isinstance(layer, Transformation):
        return layer.lasting() or pass_on
    if isinstance(layer, ChannelGate):
        return layer.plain()
    if isinstance(layer, BatchNormalized):
        return _baked(Compressed(clone(layer)))
    return _baked(layer) if isinstance(layer, Compressed) else None


def _baked(layer: Compressed) -> Callable[..., Any]:
    parts = _parts(layer)
    before = [_lasting(layer, chain) for chain in layer.input_chains]
    linear = _lasting(layer, layer.before_activation)
    after = _lasting(layer, layer.output_chain)
    split = bool(layer.before_activation)
    if split and not linear:
        parts[-1].activation = layer.activation
    plain = parts[0] if len(parts) == 1 else in_turn(parts)
    plain = plain.plain() if isinstance(plain, ChannelGate) else plain
    activation = (
        keras.layers.Activation(layer.activation, name=f"{layer.name}_activation") if split and linear else None
    )

    def emit(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _mapped(before, args, kwargs)
        outputs = plain(*args, **kwargs)
        several = isinstance(outputs, (list, tuple))
        first = _applied(linear, outputs[0] if several else outputs)
        first = _applied(after, activation(first) if activation is not None else first)
        return type(outputs)([first, *outputs[1:]]) if several else first

    return emit if before or linear or after else plain


def _parts(layer: Compressed) -> list[keras.layers.Layer]:
    """Returns the layer inside with the weights that it sees, as two layers where these are a product of factors."""
    plain, found = _with_seen_weights(layer), trained_factors(layer)
    if found is None or split_refusal(layer) is not None:
        return [plain]
    _, factors = found
    return split(plain, *(np.asarray(ops.convert_to_numpy(each)) for each in (factors.left, factors.right)))


def _with_seen_weights(layer: Compressed) -> keras.layers.Layer:
    """Returns the layer inside with the weights that it sees."""
    # Rounding leaves zeros with a minus, which mean the same and would be worth bits in a file: 0.0 takes it away.
    seen = {path: layer.seen_weight(path) + 0.0 for path in layer.weight_chains}
    if isinstance(layer.layer, BatchNormalized):
        [path] = [each for each in weight_paths.of(layer.layer) if layer.layer.channel_scale(each) is not None]
        bias = [seen[each] for each in seen if layer.variable(each) is getattr(layer.layer.linear, "bias", None)]
        return layer.layer.folded(seen.get(path, layer.weight(path)), *bias)
    plain = clone(layer.layer)
    for path, variable in weight_paths.of(plain).items():
        if path in seen:
            variable.assign(seen[path])
    return plain


def _lasting(layer: Compressed, chain: Sequence[Transformation]) -> list[Callable[..., Any]]:
    """Returns what remains of a chain for inference, as functions of symbolic tensors."""
    found = [lasting for each in chain if (lasting := each.lasting()) is not None]
    for each in found:
        if isinstance(each, keras.layers.Layer):
            each.name = f"{layer.name}_{each.name}"
    return found


def _mapped(before: Sequence[Sequence[Callable[..., Any]]], args: Any, kwargs: Any) -> tuple[tuple, dict[str, Any]]:
    chains = iter(before)

    def mapped(x: Any) -> Any:
        is_input = isinstance(x, keras.KerasTensor) and keras.backend.is_float_dtype(x.dtype)
        return _applied(next(chains, ()), x) if is_input else x

    return keras.tree.map_structure(mapped, (args, kwargs)) if before else (args, kwargs)


def _applied(functions: Sequence[Callable[..., Any]], x: Any) -> Any:
    for function in functions:
        x = function(x)
    return x
