"""The calls of a functional model, one by one, with the arguments that are no tensors."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras

from source.config.errors import ConfigError
from source.graph.wiring import as_functional

# Name of an operation, and which of its calls.
Key = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Node:
    """One call of a layer or operation.

    Attributes:
        key: name and number of the call.
        operation: what is called.
        producers: keys of the calls whose outputs are its arguments, in their order.
        settings: further arguments.
        shape: of its output without the batch.
    """

    key: Key
    operation: Any
    producers: tuple[Key, ...]
    settings: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Name of the operation."""
        return self.key[0]

    @property
    def kind(self) -> str:
        """Name of the operation's class."""
        return type(self.operation).__name__


@dataclasses.dataclass(frozen=True)
class Nodes:
    """The calls of a model in an order in which each comes after those that it uses.

    Attributes:
        nodes: by their keys.
        inputs: keys of the model's inputs.
        outputs: keys of the calls that make its outputs.
    """

    nodes: dict[Key, Node]
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]


def nodes_of(model: keras.Model) -> Nodes:
    """Returns the calls of a functional or sequential model.

    Args:
        model: built.

    Raises:
        ConfigError: for models in a model, and for layers of several outputs.
    """
    plain = as_functional(model)
    operations = {operation.name: operation for operation in plain.operations}
    config = plain.get_config()
    found: dict[Key, Node] = {}
    for layer in config["layers"]:
        operation = operations[layer["name"]]
        if isinstance(operation, keras.Model):
            raise ConfigError(
                f"Layer `{operation.name}` is a model of its own. Call its layers in the outer model instead, so that "
                "there is one model."
            )
        calls = layer["inbound_nodes"] or [{"args": [], "kwargs": {}}]
        for index, call in enumerate(calls):
            key = (layer["name"], index)
            given = [*_flat(call["args"]), *_flat(call["kwargs"])]
            producers = tuple(each.key for each in given if isinstance(each, _Tensor))
            settings = tuple(each for each in given if not isinstance(each, _Tensor))
            found[key] = Node(key, operation, producers, settings)
    inputs, outputs = (tuple(_ends(config[each])) for each in ("input_layers", "output_layers"))
    return Nodes(_ordered(found), inputs, outputs)


@dataclasses.dataclass(frozen=True)
class _Tensor:
    key: Key


def _flat(values: Any) -> Iterator[Any]:
    """Yields tensors and plain values of serialized arguments."""
    if isinstance(values, dict) and values.get("class_name") == "__keras_tensor__":
        name, call, index = values["config"]["keras_history"]
        if index:
            raise ConfigError(f"Layer `{name}` has several outputs, which integer programs have no operation for.")
        yield _Tensor((name, call))
    elif isinstance(values, dict):
        for each in values.values():
            yield from _flat(each)
    elif isinstance(values, (list, tuple)):
        for each in values:
            yield from _flat(each)
    else:
        yield values


def _ends(layers: Any) -> Iterator[Key]:
    """Yields the keys of input or output layers: `[name, call, tensor]`, or nested lists of these."""
    if isinstance(layers, dict):
        layers = list(layers.values())
    if layers and isinstance(layers[0], str):
        yield layers[0], layers[1]
        return
    for each in layers:
        yield from _ends(each)


def _ordered(nodes: dict[Key, Node]) -> dict[Key, Node]:
    ordered: dict[Key, Node] = {}
    waiting = dict(nodes)
    while waiting:
        ready = [key for key, node in waiting.items() if all(each in ordered for each in node.producers)]
        if not ready:  # pragma: no cover - calls of a model never form a circle
            raise ConfigError(f"Layers that use each other: {sorted(waiting)}.")
        for key in ready:
            ordered[key] = waiting.pop(key)
    return ordered
