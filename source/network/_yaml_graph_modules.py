"""From layers, modules and connections, as YAML names them, to a flat list of nodes that say what feeds what."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.network import _yaml_graph_types as known
from source.network._yaml_graph_arguments import has_arguments, substitute

# A tensor: the modules that it stands in, then its name there.
Tensor = tuple[str, ...]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_CONNECTION = ("from", "with", "to")
_MODULE = ("type", "kwargs", "layers", "graph", "inputs", "outputs")
# NASNet mobile has 700 nodes in modules three deep; what is beyond these is a slip or a bomb of anchors.
_MOST_NODES, _DEEPEST = 20_000, 30


@dataclasses.dataclass(frozen=True)
class Node:
    """One layer, or new names for tensors.

    Attributes:
        where: path of the layer in the file, or of the connection where there is none.
        connection: path of the connection.
        name: of the layer, after the names of the modules that it stands in; empty for new names.
        kind: its type; None for new names.
        settings: checked, by the class of the type.
        inputs: tensors that it takes.
        outputs: tensors that it makes.
    """

    where: str
    connection: str
    name: tuple[str, ...]
    kind: str | None
    settings: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclasses.dataclass(frozen=True)
class Module:
    """The ends of a module, or of the whole.

    Attributes:
        where: path in the file.
        scope: names of the modules around and of this one; empty for the whole.
        inputs: tensors inside that come from outside.
        outputs: tensors inside that go outside.
    """

    where: str
    scope: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclasses.dataclass(frozen=True)
class _Frame:
    """A module while its connections are followed."""

    where: str
    scope: tuple[str, ...]
    layers: Mapping[str, Any]
    graph: Any
    arguments: Mapping[str, Any]


class Expansion:
    """All nodes and modules of a description.

    Attributes:
        nodes: in the order of the connections.
        modules: the whole first.
    """

    def __init__(self, path: str, layers: Any, graph: Any, ends: tuple[str, str], arguments: Mapping[str, Any]) -> None:
        """Follows all connections.

        Args:
            path: where `layers` and `graph` stand, to begin the messages with.
            layers: settings of layers by name.
            graph: a connection or a list of them.
            ends: names of the tensor that comes in and of the one that goes out.
            arguments: values that `^(name)` stands for everywhere.

        Raises:
            ConfigError: for anything that is not in the grammar.
        """
        self.nodes: list[Node] = []
        self.modules: list[Module] = []
        self._made: dict[Tensor, str] = {}
        self._used: set[tuple[str, ...]] = set()
        whole = _Frame(path, (), _layers(layers, f"{path}.layers"), graph, arguments)
        self._module(whole, *((name_of(end, path),) for end in ends))

    def _module(self, frame: _Frame, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        if len(frame.scope) > _DEEPEST:
            raise ConfigError(f"{frame.where}: modules stand in each other at most {_DEEPEST} deep.")
        within = [tuple((*frame.scope, name) for name in ends) for ends in (inputs, outputs)]
        self.modules.append(Module(frame.where, frame.scope, *within))
        for name, spec in frame.layers.items():
            _check_names(spec, f"{frame.where}.layers.{name}")
        for where, connection in _connections(frame):
            self._connect(frame, where, connection)

    def _connect(self, frame: _Frame, where: str, connection: Mapping[str, Any]) -> None:
        sources = _names(connection.get("from"), f"{where}.from")
        chain = _names(connection["with"], f"{where}.with") if connection.get("with") not in (None, []) else []
        if connection.get("to") is None and not chain:
            raise ConfigError(f"{where}.to: expected the name of a tensor, as no layer gives it one.")
        targets = _names(connection["to"], f"{where}.to") if connection.get("to") is not None else [chain[-1]]
        tensors: tuple[Tensor, ...] = tuple((*frame.scope, name) for name in sources)
        ends: tuple[Tensor, ...] = tuple((*frame.scope, name) for name in targets)
        for name in chain[:-1]:
            step: tuple[Tensor, ...] = ((*frame.scope, name),)
            self._layer(frame, where, name, tensors, step)
            tensors = step
        if chain:
            self._layer(frame, where, chain[-1], tensors, ends)
        else:
            self._rename(where, tensors, ends)

    def _layer(
        self, frame: _Frame, where: str, name: str, tensors: tuple[Tensor, ...], results: tuple[Tensor, ...]
    ) -> None:
        path = f"{frame.where}.layers.{name}"
        if name not in frame.layers:
            raise ConfigError(f"{where}.with: there is no layer `{name}`. {did_you_mean(name, frame.layers)}")
        if (*frame.scope, name) in self._used:
            raise ConfigError(
                f"{where}.with: layer `{name}` is used twice. Layers do not share weights: write a second one under "
                "another name."
            )
        self._used.add((*frame.scope, name))
        spec = frame.layers[name]
        kind = substitute(spec.get("type"), frame.arguments, f"{path}.type")
        if kind == known.MODULE:
            self._inner(frame, where, name, tensors, results)
            return
        settings = known.parse(kind, substitute(_without_type(spec), frame.arguments, path), path)
        _check_counts(where, name, kind, tensors, results)
        self._add(Node(path, where, (*frame.scope, name), kind, settings, tensors, results))

    def _inner(
        self, frame: _Frame, where: str, name: str, tensors: tuple[Tensor, ...], results: tuple[Tensor, ...]
    ) -> None:
        path, spec = f"{frame.where}.layers.{name}", frame.layers[name]
        inputs = _names(spec.get("inputs", "input"), f"{path}.inputs")
        outputs = _names(spec.get("outputs", "output"), f"{path}.outputs")
        for what, ends, given in (("takes", inputs, tensors), ("makes", outputs, results)):
            if len(ends) != len(given):
                raise ConfigError(
                    f"{where}: module `{name}` {what} {len(ends)} ({_listed(ends)}). "
                    f"Received: {_listed(each[-1] for each in given)}."
                )
        arguments = {**frame.arguments, **_arguments(spec, frame.arguments, path)}
        layers, scope = _layers(spec.get("layers"), f"{path}.layers"), (*frame.scope, name)
        self._rename(where, tensors, tuple((*scope, each) for each in inputs))
        self._module(_Frame(path, scope, layers, spec.get("graph"), arguments), inputs, outputs)
        self._rename(where, tuple((*scope, each) for each in outputs), results)

    def _rename(self, where: str, tensors: tuple[Tensor, ...], results: tuple[Tensor, ...]) -> None:
        if len(tensors) != len(results):
            raise ConfigError(
                f"{where}: without a layer, `from` and `to` are names for the same tensors. Received: "
                f"{len(tensors)} and {len(results)} of them; join several by a layer of type concat, add or mul."
            )
        for before, after in zip(tensors, results, strict=True):
            self._add(Node(where, where, (), None, None, (before,), (after,)))

    def _add(self, node: Node) -> None:
        where = node.connection
        for tensor in node.outputs:
            if tensor in node.inputs:
                raise ConfigError(f"{where}: tensor `{tensor[-1]}` would be made of itself. Give `to` another name.")
            if tensor in self._made:
                raise ConfigError(
                    f"{where}: the name `{tensor[-1]}` is used twice: {self._made[tensor]} makes a tensor of this name."
                )
            self._made[tensor] = where
        self.nodes.append(node)
        if len(self.nodes) > _MOST_NODES:
            raise ConfigError(f"{where}: a network has at most {_MOST_NODES} layers and names.")


def name_of(value: Any, path: str) -> str:
    """Returns a name of a layer or tensor.

    Args:
        value: what is to be one.
        path: where it stands, to begin the message with.

    Raises:
        ConfigError: if it is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(
            f"{path}: expected a name of letters, digits and `_` that does not begin with `_`. Received: {value!r}."
        )
    return value


def _arguments(spec: Mapping[str, Any], around: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Returns the arguments of a module: defaults, and over them what was given."""
    given = {name: spec.get(name, default) for name, default in _defaults(spec, path).items()}
    return {name: substitute(value, around, f"{path}.{name}") for name, value in given.items()}


def _defaults(spec: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Returns the defaults of a module's arguments, after a look at whether each setting is one of them."""
    defaults = spec.get("kwargs") or {}
    if not isinstance(defaults, Mapping):
        raise ConfigError(f"{path}.kwargs: expected a mapping of names to defaults. Received: {defaults!r}.")
    for name in defaults:
        if name in _MODULE or not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(f"{path}.kwargs: `{name}` cannot be the name of an argument.")
    for name in spec:
        if name not in defaults and name not in _MODULE:
            raise ConfigError(f"{path}.{name}: unknown setting. {did_you_mean(str(name), defaults)}")
    return defaults


def _layers(layers: Any, path: str) -> dict[str, dict[str, Any]]:
    """Returns the settings of layers by name, without what is private."""
    if not isinstance(layers, Mapping) or not layers:
        raise ConfigError(f"{path}: expected a mapping of names to layers, at least one. Received: {layers!r}.")
    found = {}
    for name, spec in layers.items():
        if str(name).startswith("_"):
            continue
        if not isinstance(spec, Mapping):
            raise ConfigError(f"{path}.{name}: expected a mapping of settings. Received: {spec!r}.")
        found[name_of(name, path)] = {key: each for key, each in spec.items() if not str(key).startswith("_")}
    return found


def _check_names(spec: Mapping[str, Any], path: str) -> None:
    """Refuses wrong types and names of settings in layers that no connection uses, too."""
    kind = spec.get("type")
    if has_arguments(kind):
        return  # known when the layer is used
    if kind == known.MODULE:
        _defaults(spec, path)
    else:
        known.check_names(kind, _without_type(spec), path)


def _connections(frame: _Frame) -> list[tuple[str, Mapping[str, Any]]]:
    """Returns the connections of a module, arguments in their places, each after its path."""
    path, graph = f"{frame.where}.graph", frame.graph
    single = isinstance(graph, Mapping)
    every = [graph] if single else graph
    if not isinstance(every, (list, tuple)) or not every:
        raise ConfigError(
            f"{path}: expected a connection {{from: ..., with: ..., to: ...}} or a list of them. Received: {graph!r}."
        )
    return [
        (where, _connection(each, frame.arguments, where))
        for place, each in enumerate(every)
        for where in [path if single else f"{path}.{place}"]
    ]


def _connection(connection: Any, arguments: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if not isinstance(connection, Mapping):
        raise ConfigError(f"{where}: expected a mapping of `from`, `with` and `to`. Received: {connection!r}.")
    plain = {key: each for key, each in connection.items() if not str(key).startswith("_")}
    for key in plain:
        if key not in _CONNECTION:
            raise ConfigError(f"{where}.{key}: unknown setting. {did_you_mean(str(key), _CONNECTION)}")
    return substitute(plain, arguments, where)


def _names(value: Any, path: str) -> list[str]:
    every = list(value) if isinstance(value, (list, tuple)) else [value]
    if not every:
        raise ConfigError(f"{path}: expected a name or a list of names. Received: {value!r}.")
    return [name_of(each, path) for each in every]


def _without_type(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in spec.items() if key != "type"}


def _check_counts(where: str, name: str, kind: str, tensors: Sequence[Tensor], results: Sequence[Tensor]) -> None:
    """Refuses several tensors before a layer that joins none, several after one that splits none, and the like."""
    if kind in known.JOINS and len(tensors) < 2:
        raise ConfigError(f"{where}: layer `{name}` joins tensors: `from` must be a list of two or more, just before.")
    if kind not in known.JOINS and len(tensors) > 1:
        raise ConfigError(
            f"{where}: layer `{name}` takes one tensor, as its type is {kind}. Received: "
            f"{_listed(each[-1] for each in tensors)}. Join them by a layer of type concat, add or mul."
        )
    if kind == known.SPLIT and len(results) < 2:
        raise ConfigError(f"{where}: layer `{name}` splits a tensor: it must be the last, and `to` a list of names.")
    if kind != known.SPLIT and len(results) > 1:
        raise ConfigError(f"{where}: layer `{name}` makes one tensor. Received: {_listed(e[-1] for e in results)}.")


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)
