"""What a Caffe `.prototxt` file says of the convolutions of a network: names and shapes of kernels, in order."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(r'\s*(?:#[^\n]*\s*)*("[^"]*"|\w[\w.+-]*|-[\w.+-]+|[{}:;,])')
_DEEPEST = 16
_LARGEST = 2**24

Message = Mapping[str, list[Any]]


def convolutions(text: str) -> dict[str, tuple[int, int, int, int]]:
    """Returns the shape of each convolution's kernel, (out, in / groups, h, w), by the layer's name.

    Args:
        text: of a network with one input, whose layers with weights are convolutions.

    Raises:
        ValueError: if it cannot be understood, or a layer reads what no layer gives.
    """
    message = _message(_tokens(text), 0)
    channels: dict[str, int] = {str(_one(message, "input", "data")): _channels_of_input(message)}
    shapes: dict[str, tuple[int, int, int, int]] = {}
    for layer in message.get("layer", []) + message.get("layers", []):
        name = str(_one(layer, "name", "?"))
        bottoms = [str(bottom) for bottom in layer.get("bottom", [])]
        if missing := [bottom for bottom in bottoms if bottom not in channels]:
            raise ValueError(f"layer {name} reads {missing[0]}, which no layer before it gives")
        given = sum(channels[bottom] for bottom in bottoms)
        if _one(layer, "type", "") in ("Convolution", "CONVOLUTION"):
            shapes[name] = _kernel(name, _one(layer, "convolution_param", {}), given)
            given = shapes[name][0]
        elif _one(layer, "type", "") in ("InnerProduct", "INNER_PRODUCT", "BatchNorm", "Scale"):
            raise ValueError(f"layer {name}: expected weights in convolutions only")
        channels.update({str(top): given for top in layer.get("top", [])})
    return shapes


def _channels_of_input(message: Message) -> int:
    lengths = message.get("input_dim") or _one(message, "input_shape", {}).get("dim", [])
    if len(lengths) != 4:
        raise ValueError("expected four numbers `input_dim`")
    return _count(lengths[1], "input_dim")


def _kernel(name: str, options: Message, channels: int) -> tuple[int, int, int, int]:
    def option(key: str, default: Any) -> int:
        return _count(_one(options, key, default), f"layer {name}: {key}")

    filters, groups = option("num_output", 0), option("group", 1)
    sizes = (option("kernel_h", 0), option("kernel_w", 0)) if "kernel_h" in options else (option("kernel_size", 0),) * 2
    if channels % groups:
        raise ValueError(f"layer {name}: {groups} groups do not divide {channels} channels")
    return (filters, channels // groups, *sizes)


def _count(value: Any, what: str) -> int:
    if not str(value).isdecimal() or not 0 < int(value) <= _LARGEST:
        raise ValueError(f"{what} must be a positive whole number. Received: {value}")
    return int(value)


def _one(message: Message, key: str, default: Any) -> Any:
    return message.get(key, [default])[0]


def _tokens(text: str) -> Iterator[str]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            if not re.sub(r"#[^\n]*", "", text[position:]).strip():
                return
            raise ValueError(f"the .prototxt file cannot be understood at {text[position : position + 30]!r}")
        yield found[1]
        position = found.end()


def _message(tokens: Iterator[str], depth: int) -> Message:
    """Returns the fields up to the closing bracket, each as the list of its values in order."""
    if depth > _DEEPEST:
        raise ValueError("the .prototxt file is nested too deeply")
    fields: dict[str, list[Any]] = {}
    for name in tokens:
        if name == "}" and depth:
            return fields
        if name in (";", ","):
            continue
        mark = next(tokens, "")
        value: Any = next(tokens, "") if mark == ":" else mark
        if value == "{":
            value = _message(tokens, depth + 1)
        elif value in ("", "}", ":") or mark not in (":", "{"):
            raise ValueError(f"the .prototxt file cannot be understood at {name} {mark}")
        else:
            value = value.strip('"')
        fields.setdefault(name, []).append(value)
    if depth:
        raise ValueError("the .prototxt file ends inside a bracket")
    return fields
