"""The architecture and the names of the weights as one short text.

The text is JSON, and says what Keras says of the model in another form: each layer as its difference from the layer of
the same class before it, its connections by how many layers they go back, its weights with it.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

Json = Any
_TENSOR = "__keras_tensor__"
_DROPPED = ("build_config", "compile_config")
_GONE = "-"
_MOST_NODES = 1 << 18


class Weight(NamedTuple):
    """One tensor of the model.

    Attributes:
        path: such as "conv1/kernel".
        dtype: of its elements.
        shape: lengths of its axes.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]


def reduced(architecture: Json) -> Json:
    """Returns what Keras says of a model, less what it finds out again: shapes between layers, and how it was compiled.

    Args:
        architecture: plain values.
    """
    if isinstance(architecture, list):
        return [reduced(each) for each in architecture]
    if not isinstance(architecture, dict):
        return architecture
    if architecture.get("class_name") == _TENSOR:
        return _tensor(architecture["config"]["keras_history"])
    empty = {"registered_name"} if architecture.get("registered_name", 0) is None else set()
    return {key: reduced(value) for key, value in architecture.items() if key not in {*_DROPPED, *empty}}


def to_text(architecture: Json, weights: Sequence[Weight]) -> str:
    """Returns the text: the short form, or `{"a": architecture, "w": weights}` where that loses something.

    Args:
        architecture: `reduced`.
        weights: in the order of the model.
    """
    text = _dumps(_short(architecture, weights))
    again, names = _restored(json.loads(text))
    if _same(again, architecture) and names == list(weights):
        return text
    return _dumps({"a": architecture, "w": [_word(each.path, each) for each in weights]})


def from_text(text: str) -> tuple[Json, list[Weight]]:
    """Returns architecture and weights.

    Args:
        text: what `to_text` returned.

    Raises:
        ValueError: for a text that it cannot have returned.
    """
    try:
        return _restored(json.loads(text))
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {str(error)[:80]}") from error


def _restored(parsed: Json) -> tuple[Json, list[Weight]]:
    if "a" in parsed:
        return parsed["a"], [_weight(word, "") for word in parsed["w"]]
    weights: list[Weight] = []
    found = _long(parsed["s"], weights, [_MOST_NODES])
    weights += [_weight(word, "") for word in parsed.get("e", ())]
    order = parsed.get("o", range(len(weights)))
    if sorted(order) != list(range(len(weights))):
        raise ValueError("the order of the weights names some twice")
    return found, [weights[each] for each in order]


def _short(architecture: Json, weights: Sequence[Weight]) -> dict[str, Json]:
    """Returns the short form of a model.

    It is "s"; "e" if there are weights of no layer's name; "o" if their order is not that of the layers.
    """
    pending: dict[str, list[int]] = {}
    for index, weight in enumerate(weights):
        pending.setdefault(weight.path.partition("/")[0], []).append(index)
    order: list[int] = []
    found = {"s": _short_model(architecture, weights, pending, order)}
    left = sorted(index for indices in pending.values() for index in indices)
    order += left
    if left:
        found["e"] = [_word(weights[index].path, weights[index]) for index in left]
    places = [order.index(index) for index in range(len(order))]
    return {**found, "o": places} if places != sorted(places) else found


def _short_model(model: Json, weights: Sequence[Weight], pending: dict[str, list[int]], order: list[int]) -> Json:
    """Returns a model with each layer short; any other value as it is."""
    if not _is_model(model):
        return model
    names: list[Json] = []
    known: dict[str, Json] = {}
    layers = []
    for layer in model["config"]["layers"]:
        item = _without_repetition(_short_model(layer, weights, pending, order), names)
        names.append(_name(layer))
        own = pending.pop(names[-1], [])
        order += own
        if own:
            item["w"] = [_word(weights[each].path.partition("/")[2], weights[each]) for each in own]
        kind = layer["class_name"]
        layers.append([kind, _delta(known[kind], item) if kind in known else item])
        known[kind] = item
    return {**model, "config": {**model["config"], "layers": layers}}


def _long(model: Json, weights: list[Weight], nodes: list[int]) -> Json:
    if not _is_model(model):
        return model
    names: list[Json] = []
    known: dict[str, Json] = {}
    layers = []
    for kind, item in model["config"]["layers"]:
        known[kind] = _applied(known[kind], item) if kind in known else item
        layer = _with_repetition({"class_name": kind, **known[kind]}, names)
        words = layer.pop("w", [])
        layer = _long(layer, weights, nodes)
        nodes[0] -= _count(layer)
        if nodes[0] < 0:
            raise ValueError(f"the architecture has more than {_MOST_NODES} values")
        names.append(_name(layer))
        weights += [_weight(word, f"{names[-1]}/") for word in words]
        layers.append(layer)
    return {**model, "config": {**model["config"], "layers": layers}}


def _is_model(value: Json) -> bool:
    config = value.get("config") if isinstance(value, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    return isinstance(layers, list) and all(isinstance(each, (dict, list)) for each in layers)


def _name(layer: Json) -> Json:
    return layer["name"] if "name" in layer else layer["config"].get("name")


def _without_repetition(layer: Json, names: list[Json]) -> Json:
    """Returns a layer without its class and its second name, and with its connections counted back."""
    item = {key: value for key, value in layer.items() if key != "class_name"}
    if "name" in item:
        config = {"name": None, **item["config"]}  # nothing means: the same; null means: none
        item["config"] = {key: value for key, value in config.items() if key != "name" or value != item["name"]}
    if "inbound_nodes" in item:
        item["inbound_nodes"] = _marked(item["inbound_nodes"], names)
    return item


def _with_repetition(item: Json, names: list[Json]) -> Json:
    layer = dict(item)
    if "name" in layer:
        config = {"name": layer["name"], **layer["config"]}
        layer["config"] = {key: value for key, value in config.items() if key != "name" or value is not None}
    if "inbound_nodes" in layer:
        layer["inbound_nodes"] = _unmarked(layer["inbound_nodes"], names)
    return layer


def _tensor(history: Json) -> Json:
    return {"class_name": _TENSOR, "config": {"shape": [], "dtype": "float32", "keras_history": history}}


def _marked(value: Json, names: list[Json]) -> Json:
    """Returns a value with tensors short: `{"@": steps}` back to the layer for [layer, 0, 0], or `{"@": history}`."""
    if isinstance(value, list):
        return [_marked(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == _TENSOR:
        name, *rest = value["config"]["keras_history"]
        back = name in names and rest == [0, 0]
        return {"@": len(names) - names.index(name) if back else [name, *rest]}
    return {key: _marked(each, names) for key, each in value.items()}


def _unmarked(value: Json, names: list[Json]) -> Json:
    if isinstance(value, list):
        return [_unmarked(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"@"}:
        to = value["@"]
        return _tensor(to if isinstance(to, list) else [names[len(names) - max(1, to)], 0, 0])
    return {key: _unmarked(each, names) for key, each in value.items()}


def _delta(base: Json, new: Json) -> Json:
    """Returns what to change in `base`: keys with new values, deltas of inner mappings, and keys that are gone."""
    changed = {key: value for key, value in new.items() if key not in base or not _same(base[key], value)}
    both = {key for key, value in changed.items() if isinstance(value, dict) and isinstance(base.get(key), dict)}
    gone = [key for key in base if key not in new]
    inner = {key: _delta(base[key], value) if key in both else value for key, value in changed.items()}
    return {**inner, _GONE: gone} if gone else inner


def _applied(base: Json, delta: Json) -> Json:
    found = {key: value for key, value in base.items() if key not in delta.get(_GONE, ())}
    for key, value in delta.items():
        if key != _GONE:
            inner = isinstance(value, dict) and isinstance(base.get(key), dict)
            found[key] = _applied(base[key], value) if inner else value
    return found


def _word(path: str, weight: Weight) -> str:
    """Returns a weight in words: name, dtype if it is not float32, lengths; "kernel 3 3 16 32"."""
    dtype = [] if weight.dtype == "float32" else [weight.dtype]
    return " ".join([path.replace(" ", "\0"), *dtype, *map(str, weight.shape)])


def _weight(word: str, prefix: str) -> Weight:
    path, *rest = word.split(" ")
    dtype = rest.pop(0) if rest and not rest[0].isdecimal() else "float32"
    return Weight(prefix + path.replace("\0", " "), dtype, tuple(int(each) for each in rest))


def _count(value: Json) -> int:
    """Returns how many values there are in a value, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1


def _same(one: Json, other: Json) -> bool:
    """Whether two values are the same in JSON, where `true` and 1 and 1.0 differ."""
    return _dumps(one) == _dumps(other)


def _dumps(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
