"""The order in which nodes are computed: no circle, no loose end, nothing that the output does not need."""

import graphlib
from collections.abc import Iterable, Sequence

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.network._yaml_graph_modules import Expansion, Module, Node, Tensor


def ordered(expansion: Expansion) -> list[Node]:
    """Returns the nodes that the output needs, each after those that it needs.

    Args:
        expansion: all nodes.

    Raises:
        ConfigError: for tensors that nothing makes, circles, and ends of modules that do not hang together.
    """
    whole = expansion.modules[0]
    producer = {tensor: node for node in expansion.nodes for tensor in node.outputs}
    _check_ends(whole, producer)
    _check_made(expansion.nodes, {*producer, *whole.inputs})
    order = _sorted(expansion.nodes, producer)
    for module in expansion.modules:
        _check_reached(module, [node for node in order if _stands_in(node, module)])
    needed = set(whole.outputs)
    for node in reversed(order):
        if needed & set(node.outputs):
            needed.update(node.inputs)
    return [node for node in order if needed & set(node.outputs)]


def _check_ends(whole: Module, producer: dict[Tensor, Node]) -> None:
    for tensor in whole.inputs:
        if tensor in producer:
            where = producer[tensor].connection
            raise ConfigError(f"{where}: `{tensor[-1]}` is what comes in; nothing can make it. Give `to` another name.")
    for tensor in whole.outputs:
        if tensor not in producer:
            raise ConfigError(f"{whole.where}.graph: no connection makes the output `{tensor[-1]}`.")


def _check_made(nodes: Iterable[Node], made: set[Tensor]) -> None:
    for node in nodes:
        for tensor in node.inputs:
            if tensor not in made:
                beside = [other[-1] for other in made if other[:-1] == tensor[:-1]]
                guess = did_you_mean(tensor[-1], beside)
                inside = f" in module `{'/'.join(tensor[:-1])}`" if tensor[:-1] else ""
                raise ConfigError(f"{node.connection}: nothing makes the tensor `{tensor[-1]}`{inside}. {guess}")


def _sorted(nodes: Sequence[Node], producer: dict[Tensor, Node]) -> list[Node]:
    places = {id(node): place for place, node in enumerate(nodes)}
    before = {
        places[id(node)]: [places[id(producer[tensor])] for tensor in node.inputs if tensor in producer]
        for node in nodes
    }
    try:
        return [nodes[place] for place in graphlib.TopologicalSorter(before).static_order()]
    except graphlib.CycleError as error:
        circle = [nodes[place] for place in error.args[1]]
        names = " -> ".join(f"`{'/'.join(node.outputs[0])}`" for node in circle)
        raise ConfigError(f"{circle[0].connection}: tensors are made of each other in a circle: {names}.") from None


def _stands_in(node: Node, module: Module) -> bool:
    return any(tensor[: len(module.scope)] == module.scope for tensor in (*node.inputs, *node.outputs))


def _check_reached(module: Module, order: Sequence[Node]) -> None:
    """Refuses ends that do not hang together: every input has to reach every output."""
    for start in module.inputs:
        reached = {start}
        for node in order:
            if reached & set(node.inputs):
                reached.update(node.outputs)
        for end in module.outputs:
            if end not in reached:
                raise ConfigError(
                    f"{module.where}.graph: `{start[-1]}` does not reach `{end[-1]}`. These hang together: "
                    f"{_pieces(module, order)}."
                )


def _pieces(module: Module, order: Sequence[Node]) -> str:
    """Returns the tensors of a module in the groups in which they hang together."""
    groups: list[set[Tensor]] = [{tensor} for tensor in (*module.inputs, *module.outputs)]
    for node in order:
        joined = {tensor for tensor in (*node.inputs, *node.outputs) if tensor[: len(module.scope)] == module.scope}
        joined.update(*(group for group in groups if group & joined))
        groups = [group for group in groups if not group & joined] + [joined]
    depth = len(module.scope) + 1
    texts = sorted(", ".join(f"`{each[-1]}`" for each in sorted(group) if len(each) == depth) for group in groups)
    return " and ".join(text for text in texts if text)
