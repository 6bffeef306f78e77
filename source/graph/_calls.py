"""Every call of a layer or operation in one call of a model: what goes in, what comes out, in how many bits."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph.wiring import as_functional
from source.layer.batch_normalized import BatchNormalized
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.compressed import Compressed
from source.layer.transformation import Transformation

Shape = tuple[int | None, ...]
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
    try:
        plain = as_functional(model)
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"Model `{model.name}` ({type(model).__name__}) cannot be looked at: expected a functional or sequential "
            "model that knows its inputs. Build it, or wrap it: `keras.Model(inputs, model(inputs))`."
        ) from error
    walk = _Walk()
    walk.through(plain, _inputs(model, plain, input_shapes), "")
    return walk.calls


def _inputs(model: keras.Model, plain: keras.Model, shapes: Sequence[Shape] | None) -> list[keras.KerasTensor]:
    if shapes is not None and len(shapes) != len(plain.inputs):
        raise ConfigError(f"input_shapes: expected {len(plain.inputs)} shapes. Received: {len(shapes)}.")
    tensors = []
    for index, tensor in enumerate(plain.inputs):
        shape = tuple(tensor.shape[1:]) if shapes is None else tuple(shapes[index])
        if any(length is None for length in shape):
            raise ConfigError(
                f"Model `{model.name}`: the lengths of its input {tuple(tensor.shape)} are free, and costs depend on "
                "them. Say for which: `input_shapes=[(224, 224, 3)]`."
            )
        tensors.append(keras.Input(shape, dtype=tensor.dtype))
    return tensors


class _Walk:
    """One pass through a model and those in it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._bits: dict[int, float] = {}
        self._kept: list[Any] = []  # so that no tensor takes the identity of another

    def through(self, plain: keras.Model, inputs: list[keras.KerasTensor], prefix: str) -> list[keras.KerasTensor]:
        """Calls everything in a functional model on other inputs, and returns the outputs, flat."""

        def call(probe: "_Probe", *args: Any, **kwargs: Any) -> Any:
            return self._call(probe, prefix, args, kwargs)

        given = keras.tree.pack_sequence_as(plain.input, inputs)
        walked = keras.models.clone_model(plain, input_tensors=given, clone_function=_Probe, call_function=call)
        self._kept.append(walked)
        return list(keras.tree.flatten(walked.output))

    def _call(self, probe: "_Probe", prefix: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        operation = probe.operation
        result = probe(*args, **kwargs)
        tensors, answers = _tensors(operation, args, kwargs), keras.tree.flatten(result)
        self._kept.append(result)
        if isinstance(operation, keras.Model):
            fresh = [keras.Input(batch_shape=each.shape, dtype=each.dtype) for each in tensors]
            for inner, outer in zip(fresh, tensors, strict=True):
                self._bits[id(inner)] = self._of(outer)
            ends = self.through(as_functional(operation), fresh, f"{prefix}{operation.name}/")
            for inner, outer in zip(ends, answers, strict=True):
                self._bits[id(outer)] = self._of(inner)
            return result
        entering = max(map(self._of, tensors), default=float(_FLOAT_BITS))
        leaving = _output_bits(operation, entering)
        self._bits.update((id(each), leaving or _width(each)) for each in answers)
        self.calls.append(
            Call(
                name=f"{prefix}{operation.name}",
                operation=operation,
                inputs=tuple(tuple(each.shape) for each in tensors),
                outputs=tuple(tuple(each.shape) for each in answers),
                dtypes=tuple(str(each.dtype) for each in answers),
                input_bits=_input_bits(operation) or entering,
                output_bits=max((self._of(each) for each in answers), default=float(_FLOAT_BITS)),
            )
        )
        return result

    def _of(self, tensor: keras.KerasTensor) -> float:
        return self._bits.get(id(tensor)) or _width(tensor)


class _Probe(keras.Operation):
    """Stands for an operation: answers with the shapes that it would, and leaves it as it is."""

    def __init__(self, operation: Any) -> None:
        super().__init__()
        self.operation = operation

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns shapes and types of the answer."""
        return self.operation.compute_output_spec(*args, **kwargs)


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
