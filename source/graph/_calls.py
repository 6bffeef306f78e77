"""Every call of a layer or operation in one call of a model: what goes in, what comes out, in how many bits."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph.trace import Shape, Step, trace
from source.layer.batch_normalized import BatchNormalized
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation

_FLOAT_BITS = 32
# They move numbers, or leave some out, and make no new ones.
_MOVERS = {
    *("Reshape", "Flatten", "Permute", "RepeatVector", "Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D"),
    *("ZeroPadding2D", "ZeroPadding3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "GlobalMaxPooling1D"),
    *("GlobalMaxPooling2D", "GlobalMaxPooling3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Dropout"),
    *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "ReLU", "Relu", "Concatenate", "Identity"),
    *("Transpose", "Squeeze", "ExpandDims", "GetItem", "Split", "Stack", "Relu6"),
}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        name: of the operation, after the names of the models that it stands in: `backbone/conv1`.
        operation: the layer or operation itself, in its wrapper if it has one.
        inputs: shapes of the tensors that go in, (b, ...), in the order of the arguments.
        outputs: shapes of those that come out.
        dtypes: of those that come out.
        input_bits: of a number that goes in; of several tensors, those of the widest.
        output_bits: of a number that comes out.
    """

    name: str
    operation: Any
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    dtypes: tuple[str, ...]
    input_bits: float
    output_bits: float


def inside(operation: Any) -> Any:
    """Returns what computes: the layer in a wrapper, the linear one of a pair with its normalization."""
    bare = operation.layer if isinstance(operation, Compressed) else operation
    return bare.linear if isinstance(bare, BatchNormalized) else bare


def calls_of(model: keras.Model, input_shapes: Sequence[Shape] | None = None) -> list[Call]:
    """Returns all calls of one call of a model, those of nested models in their place; nothing is computed.

    Args:
        model: functional or sequential, built.
        input_shapes: of one example, one an input; None takes those that the model was built for.

    Raises:
        ConfigError: for models written as classes, and for inputs of free lengths that no shapes are given for.
    """
    followed = trace(model, input_shapes)
    for tensor in followed.inputs:
        if any(length is None for length in tensor.shape[1:]):
            raise ConfigError(
                f"Model `{model.name}`: the lengths of its input {tuple(tensor.shape)} are free, and costs depend on "
                "them. Say for which: `input_shapes=[(224, 224, 3)]`."
            )
    bits: dict[int, float] = {}

    def of(tensor: keras.KerasTensor) -> float:
        return bits.get(id(tensor)) or _width(tensor)

    calls = []
    for step in followed.steps:
        if step.operation is None:
            bits.update((id(inner), of(outer)) for outer, inner in zip(step.args, step.outputs, strict=True))
            continue
        tensors = _tensors(step.operation, step.args, step.kwargs)
        entering = max(map(of, tensors), default=float(_FLOAT_BITS))
        leaving = _output_bits(step.operation, entering)
        bits.update((id(each), leaving or _width(each)) for each in step.outputs)
        calls.append(_call(step, tensors, entering, max(map(of, step.outputs), default=float(_FLOAT_BITS))))
    return calls


def _call(step: Step, tensors: Sequence[keras.KerasTensor], entering: float, leaving: float) -> Call:
    return Call(
        name=step.path,
        operation=step.operation,
        inputs=tuple(tuple(each.shape) for each in tensors),
        outputs=tuple(tuple(each.shape) for each in step.outputs),
        dtypes=tuple(str(each.dtype) for each in step.outputs),
        input_bits=_input_bits(step.operation) or entering,
        output_bits=leaving,
    )


def _tensors(operation: Any, args: tuple, kwargs: dict[str, Any]) -> list[keras.KerasTensor]:
    """Returns the tensors of a call in the order of the arguments, however they were named."""
    given: Any = (args, kwargs)
    if isinstance(operation, keras.layers.Layer) and not isinstance(operation, keras.Model):
        given = list(_bound(inside(operation).call, args, kwargs))
    return [each for each in keras.tree.flatten(given) if isinstance(each, keras.KerasTensor)]


def _bound(call: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Sequence[Any]:
    try:
        return list(inspect.signature(call).bind(*args, **kwargs).arguments.values())
    except TypeError:  # a wrapper takes arguments that the layer in it does not
        return [args, kwargs]


def _output_bits(operation: Any, entering: float) -> float | None:
    """Returns the bits of what leaves an operation; None where nothing but the type of the numbers says it."""
    if isinstance(operation, Compressed):
        coded = [_code_bits(each) for place, each in operation.transformations() if place == "output"]
        return next((bits for bits in reversed(coded) if bits is not None), None)
    if isinstance(operation, Transformation):
        return _code_bits(operation)
    if type(operation).__name__ == "FakeQuantWithMinMaxVars":
        return float(getattr(operation, "num_bits", 8))
    return entering if type(operation).__name__ in _MOVERS else None


def _input_bits(operation: Any) -> float | None:
    """Returns the bits that a wrapper rounds what goes in to."""
    if not isinstance(operation, Compressed):
        return None
    coded = [_code_bits(each) for place, each in operation.transformations() if place.startswith("input ")]
    return max((bits for bits in coded if bits is not None), default=None)


def _code_bits(rounding: Transformation) -> float | None:
    return float(rounding.width) if isinstance(rounding, CalibratedQuantize) else rounding.code_bits


def _width(tensor: keras.KerasTensor) -> float:
    """Returns the bits of the tensor's type."""
    kind = str(tensor.dtype)
    digits = "".join(each for each in kind.removeprefix("b") if each.isdigit())[:2]
    return float(digits) if digits else 8.0 if kind == "bool" else float(_FLOAT_BITS)
