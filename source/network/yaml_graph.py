"""A network from a description: layers by name, and connections that say what feeds what."""

import dataclasses
import json
from typing import Annotated, Any

import keras
import pydantic

from source.config.config import NetworkConfig
from source.config.errors import ConfigError
from source.config.settings import adopt, settings
from source.network import _inputs
from source.network._head import LOGITS
from source.network._yaml_graph_check import PATH, nodes_of
from source.network._yaml_graph_layers import MAKERS
from source.network._yaml_graph_making import Making
from source.network._yaml_graph_modules import Node, Tensor

# What Keras and its backend raise where a layer cannot be built on what comes in.
_REFUSALS = (ValueError, TypeError, ArithmeticError, IndexError, MemoryError)


def _from_text(value: Any) -> Any:
    """The JSON text of a command line is accepted where mappings are wanted."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"expected mappings as JSON text: {error}. Received: {value!r}.") from None


@settings
class Config(NetworkConfig):
    """Settings of a network from a description.

    Attributes:
        layers: what each layer is, by name: a mapping with `type` and the settings of that type. Names that begin with
            `_` are private and made nothing of.
        graph: one connection or a list of them. `from` names tensors, `with` a layer or a chain of layers, and `to` the
            tensors that come out.
        input: name of the tensor that comes in, the images.
        output: name of the tensor that goes out, the logits.
    """

    layers: Annotated[dict[str, Any], pydantic.BeforeValidator(_from_text)] = dataclasses.field(default_factory=dict)
    graph: Annotated[Any, pydantic.BeforeValidator(_from_text)] = None
    input: str = "input"
    output: str = "output"


def build(config: NetworkConfig, inputs: keras.KerasTensor) -> keras.Model:
    """Returns the network that `layers` and `graph` describe.

    Layers and settings carry Keras' names. `^(num_classes)` stands for the number of classes everywhere, `^(name)` in a
    module for its argument of that name. What the output does not need is left out. The layer `logits`, and all that
    follows it, computes in float32 under mixed precision too. The form is that of Mayo
    (https://github.com/deep-fry/mayo; Zhao et al. 2018, https://doi.org/10.1145/3212725.3212726).

    Args:
        config: a `Config`; `layers` and `graph` have no defaults.
        inputs: images, (b, h, w, c).

    Returns:
        A model whose output is (b, num_classes) float32 logits.

    Raises:
        ConfigError: for what is not in the grammar, and for layers that do not fit on each other.
    """
    config = adopt(Config, config)
    _inputs.require_images(inputs, "yaml_graph")
    order = nodes_of(config.layers, config.graph, (config.input, config.output), config.num_classes)
    made: dict[Tensor, keras.KerasTensor] = {(config.input,): inputs}
    exact, taken = _from_logits_on(order), {inputs.name: "the input"}
    for node in order:
        results = _results(node, [made[tensor] for tensor in node.inputs], taken, id(node) in exact)
        made.update(zip(node.outputs, results, strict=True))
    logits = made[(config.output,)]
    if tuple(logits.shape[1:]) != (config.num_classes,):
        raise ConfigError(
            f"{PATH}.graph: the output `{config.output}` must be (b, num_classes={config.num_classes}). "
            f"Received: shape={tuple(logits.shape)}."
        )
    return keras.Model(inputs, logits, name="yaml_graph")


def _results(node: Node, tensors: list[Any], taken: dict[str, str], exact: bool) -> list[keras.KerasTensor]:
    """Returns what a node makes of its tensors."""
    if node.kind is None:
        return tensors
    name = "_".join(node.name)
    making = Making(node.where, name, node.settings, len(node.outputs), taken, "float32" if exact else None)
    try:
        made = MAKERS[node.kind](making, tensors[0] if len(tensors) == 1 else tensors)
    except ConfigError:
        raise
    except _REFUSALS as error:
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in tensors)
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"{node.where}: a layer of type {node.kind} cannot stand on {shapes}: {reason}") from error
    return made if isinstance(made, list) else [made]


def _from_logits_on(order: list[Node]) -> set[int]:
    """Returns the nodes, by identity, that compute in float32: the layer `logits`, or else the last, and all after."""
    last = next((node for node in reversed(order) if node.kind is not None), None)
    first = next((node for node in order if node.name == (LOGITS,)), last)
    reached: set[Tensor] = set()
    exact = set()
    for node in order:
        if node is first or reached & set(node.inputs):
            reached.update(node.outputs)
            exact.add(id(node))
    return exact
