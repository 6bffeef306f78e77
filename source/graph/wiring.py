"""Which operations of a functional model feed which: read from its public configuration, by name."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import keras


class Wiring:
    """The edges of one functional model; nested models are single operations of it.

    Attributes:
        operations: name of each layer and operation to the thing itself, in the order of the model.
    """

    def __init__(self, model: keras.Model) -> None:
        """Reads the edges.

        Args:
            model: functional or sequential, built.
        """
        plain = as_functional(model)
        self.operations: dict[str, Any] = {operation.name: operation for operation in plain.operations}
        self._producers: dict[str, list[str]] = defaultdict(list)
        self._consumers: dict[str, list[str]] = defaultdict(list)
        self._calls: dict[str, int] = {}
        self._keywords: dict[str, list[dict[str, Any]]] = {}
        config = plain.get_config()
        for layer in config["layers"]:
            self._calls[layer["name"]] = len(layer["inbound_nodes"])
            self._keywords[layer["name"]] = [dict(node["kwargs"]) for node in layer["inbound_nodes"]]
            for producer in _histories(layer["inbound_nodes"]):
                self._producers[layer["name"]].append(producer)
                self._consumers[producer].append(layer["name"])
        self._outputs = {name for name in _output_names(config["output_layers"]) if name in self.operations}

    def consumers(self, name: str) -> list[Any]:
        """Returns what uses the output of an operation, once for each use.

        Args:
            name: of the operation.
        """
        return [self.operations[each] for each in self._consumers[name]]

    def producers(self, name: str) -> list[Any]:
        """Returns whose outputs an operation uses, in the order of its arguments.

        Args:
            name: of the operation.
        """
        return [self.operations[each] for each in self._producers[name]]

    def is_output(self, name: str) -> bool:
        """Returns whether an operation makes an output of the model."""
        return name in self._outputs

    def is_shared(self, name: str) -> bool:
        """Returns whether an operation is called more than once."""
        return self._calls[name] > 1

    def keyword_arguments(self, name: str) -> list[dict[str, Any]]:
        """Returns the keyword arguments of each call of an operation, as plain values.

        Args:
            name: of the operation.
        """
        return self._keywords[name]

    def only_consumer(self, name: str) -> Any | None:
        """Returns the one operation that uses the output of another; None if there are several, or it is an output.

        Args:
            name: of the operation whose output it is; it is called once.
        """
        consumers = self.consumers(name)
        if len(consumers) != 1 or self.is_output(name) or self.is_shared(name):
            return None
        return consumers[0]


def as_functional(model: keras.Model) -> keras.Model:
    """Returns a functional model of the same tensors, layers and name, which is not compiled.

    Args:
        model: functional or sequential, built.
    """
    if not isinstance(model, keras.Sequential):
        return keras.Model(model.input, model.output, name=model.name)
    # `input` of a sequential model inside another is where the other calls it.
    [inputs], [outputs] = model.inputs, model.outputs
    return keras.Model(inputs, outputs, name=model.name)


def _histories(nodes: Any) -> Iterator[str]:
    """Yields the names of the operations that the tensors in serialized calls come from."""
    if isinstance(nodes, dict):
        if nodes.get("class_name") == "__keras_tensor__":
            yield nodes["config"]["keras_history"][0]
            return
        nodes = list(nodes.values())
    if isinstance(nodes, (list, tuple)):
        for each in nodes:
            yield from _histories(each)


def _output_names(outputs: Any) -> Iterator[str]:
    if isinstance(outputs, str):
        yield outputs
    elif isinstance(outputs, dict):
        yield from _output_names(list(outputs.values()))
    elif isinstance(outputs, (list, tuple)):
        for each in outputs:
            yield from _output_names(each)
