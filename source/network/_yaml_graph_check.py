"""Looks at a network's description before anything is built: all that can be told without Keras."""

from collections.abc import Mapping
from typing import Any

from source.network._yaml_graph_modules import Expansion, Node
from source.network._yaml_graph_order import ordered

# Where the description stands in a recipe; messages begin with it.
PATH = "network"


def nodes_of(layers: Any, graph: Any, ends: tuple[str, str], num_classes: int) -> list[Node]:
    """Returns the nodes that the output needs, in the order in which they are computed.

    Args:
        layers: settings of layers by name.
        graph: a connection or a list of them.
        ends: names of the tensor that comes in and of the one that goes out.
        num_classes: what `^(num_classes)` stands for.

    Raises:
        ConfigError: naming the path, for what is not in the grammar.
    """
    return ordered(Expansion(PATH, layers, graph, ends, {"num_classes": num_classes}))


def check(settings: Mapping[str, Any]) -> None:
    """Refuses a description that is not in the grammar.

    Args:
        settings: of `yaml_graph`, by name, as a recipe has them.

    Raises:
        ConfigError: naming the path.
    """
    ends = (settings.get("input", "input"), settings.get("output", "output"))
    nodes_of(settings.get("layers"), settings.get("graph"), ends, settings.get("num_classes", 10))
