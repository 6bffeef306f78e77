"""Every call of a layer or operation in one call of a model, in order, with the symbolic tensors that go in and out."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph.wiring import as_functional

Shape = tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        path: name of the operation, after the names of the models that it stands in: `backbone/conv1`.
        operation: the layer or operation itself; None where a nested model begins or ends, and the outputs are the
            inputs under another name.
        args: positional arguments, with symbolic tensors among them.
        kwargs: named ones.
        outputs: symbolic tensors that come out, flat.
        entered: the nested model that begins here; None elsewhere.
    """

    path: str
    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[keras.KerasTensor, ...]
    entered: keras.Model | None = None

    @property
    def inputs(self) -> tuple[keras.KerasTensor, ...]:
        """The symbolic tensors among the arguments, flat."""
        given = keras.tree.flatten((self.args, self.kwargs))
        return tuple(each for each in given if isinstance(each, keras.KerasTensor))


@dataclasses.dataclass(frozen=True)
class Trace:
    """What a model does.

    Attributes:
        inputs: symbolic tensors of the model's inputs, flat.
        steps: calls, each after those that it needs.
        outputs: symbolic tensors of the model's outputs, flat.
    """

    inputs: tuple[keras.KerasTensor, ...]
    steps: tuple[Step, ...]
    outputs: tuple[keras.KerasTensor, ...]


def trace(model: keras.Model, input_shapes: Sequence[Shape] | None = None) -> Trace:
    """Returns all calls of one call of a model, those of nested models in their place; nothing is computed.

    The model is not touched: its layers get no further nodes.

    Args:
        model: functional or sequential, built.
        input_shapes: of one example, one an input; None takes those that the model was built for.

    Raises:
        ConfigError: for models written as classes.
    """
    try:
        plain = as_functional(model)
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"Model `{model.name}` ({type(model).__name__}) cannot be looked at: expected a functional or sequential "
            "model that knows its inputs. Build it, or wrap it: `keras.Model(inputs, model(inputs))`."
        ) from error
    shapes = input_shapes or [tuple(each.shape[1:]) for each in plain.inputs]
    if len(shapes) != len(plain.inputs):
        raise ConfigError(f"input_shapes: expected {len(plain.inputs)} shapes. Received: {len(shapes)}.")
    inputs = [_input((each.shape[0], *shape), each) for shape, each in zip(shapes, plain.inputs, strict=True)]
    steps: list[Step] = []
    outputs = _walk(plain, inputs, "", steps)
    return Trace(tuple(inputs), tuple(steps), tuple(outputs))


def _walk(
    plain: keras.Model, inputs: Sequence[keras.KerasTensor], prefix: str, steps: list[Step]
) -> list[keras.KerasTensor]:
    """Appends the calls of a functional model on other inputs, and returns the outputs, flat."""

    def call(probe: "_Probe", *args: Any, **kwargs: Any) -> Any:
        result = probe(*args, **kwargs)
        step = Step(f"{prefix}{probe.operation.name}", probe.operation, args, kwargs, tuple(keras.tree.flatten(result)))
        if _is_graph(probe.operation):
            _nested(step, steps)
        else:
            steps.append(step)
        return result

    given = keras.tree.pack_sequence_as(plain.input, list(inputs))
    walked = keras.models.clone_model(plain, input_tensors=given, clone_function=_Probe, call_function=call)
    return list(keras.tree.flatten(walked.output))


def _nested(outer: Step, steps: list[Step]) -> None:
    """Appends the calls within a model that is called in another."""
    inner = as_functional(outer.operation)
    fresh = [_input(each.shape, own) for each, own in zip(outer.inputs, inner.inputs, strict=True)]
    steps.append(Step(outer.path, None, outer.inputs, {}, tuple(fresh), entered=outer.operation))
    ends = _walk(inner, fresh, f"{outer.path}/", steps)
    steps.append(Step(outer.path, None, tuple(ends), {}, outer.outputs))


def _input(shape: Shape, like: keras.KerasTensor) -> keras.KerasTensor:
    # The same name: models that take a dictionary know their inputs by it.
    return keras.Input(batch_shape=shape, dtype=like.dtype, name=like.name)


def _is_graph(operation: Any) -> bool:
    """Returns whether an operation is a model that knows its calls, and not one written as a class."""
    return isinstance(operation, keras.Sequential) or (
        isinstance(operation, keras.Model) and hasattr(operation, "operations")
    )


class _Probe(keras.Operation):
    """Stands for an operation: answers with the shapes that it would, and leaves it as it is."""

    def __init__(self, operation: Any) -> None:
        super().__init__()
        self.operation = operation

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns shapes and types of the answer."""
        return self.operation.compute_output_spec(*args, **kwargs)
