"""What a Darknet `.cfg` file says of its layers: kinds, options, shapes of outputs and of weights."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]
Options = Mapping[str, str]

_SECTION = re.compile(r"\[(\w+)\]")
DEPTHWISE = "depthwise_weights"  # our name for a kernel (c, 1, h, w) whose channels stay apart
_LARGEST = 2**24  # of a single option; a larger one is a mistake and would only make larger mistakes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of a Darknet network.

    Attributes:
        index: its place, from 0.
        kind: `convolutional`, `route`, ...
        options: what the section says, by name.
        inputs: places of the layers it reads; -1 is the picture.
        output: (h, w, c) of what it gives.
        arrays: shapes of its weights by Darknet's names, in the order of the file.
    """

    index: int
    kind: str
    options: Options
    inputs: tuple[int, ...]
    output: tuple[int, int, int]
    arrays: Mapping[str, Shape] = dataclasses.field(default_factory=dict)

    def number(self, name: str, default: int) -> int:
        """Returns an option that is a whole number.

        Args:
            name: of the option.
            default: where the section does not have it.

        Raises:
            ValueError: if it is none.
        """
        return _number(self.options, name, default, f"layer {self.index} [{self.kind}]")


def parse(text: str) -> tuple[list[Layer], tuple[int, int, int]]:
    """Returns the layers in order, and (h, w, c) of the picture.

    Args:
        text: of the `.cfg` file.

    Raises:
        ValueError: for a layer that is not understood or reads one that is not there.
    """
    sections = _sections(text)
    if not sections or sections[0][0] not in ("net", "network"):
        raise ValueError("the .cfg file must begin with [net]")
    net = sections[0][1]
    picture = tuple(_number(net, name, 0, "[net]") for name in ("height", "width", "channels"))
    outputs = [(picture[0], picture[1], picture[2])]
    layers = []
    for index, (kind, options) in enumerate(sections[1:]):
        layers.append(_layer(index, kind, options, outputs))
        outputs.append(layers[-1].output)
    return layers, outputs[0]


def _sections(text: str) -> list[tuple[str, dict[str, str]]]:
    sections: list[tuple[str, dict[str, str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if found := _SECTION.fullmatch(line):
            sections.append((found[1], {}))
        elif sections and "=" in line:
            name, _, value = line.partition("=")
            sections[-1][1][name.strip()] = value.strip()
        else:
            raise ValueError(f"line {number} of the .cfg file: expected [section] or name=value. Received: {line[:60]}")
    return sections


def _layer(index: int, kind: str, options: Options, outputs: Sequence[tuple[int, int, int]]) -> Layer:
    """Returns the layer with its shapes; `outputs` begins with the picture's."""
    inputs = _inputs(index, kind, options)
    h, w, c = outputs[inputs[0] + 1]
    bare = Layer(index=index, kind=kind, options=options, inputs=inputs, output=(h, w, c))
    if kind == "convolutional":
        return _convolution(bare)
    if kind == "connected":
        return _connected(bare)
    if kind == "route":
        c = sum(outputs[each + 1][2] for each in inputs) // bare.number("groups", 1)
    elif kind in ("maxpool", "local_avgpool"):
        stride = bare.number("stride", 1)
        padding = bare.number("padding", bare.number("size", stride) - 1)
        h, w = ((side + padding - bare.number("size", stride)) // stride + 1 for side in (h, w))
    elif kind == "avgpool":
        h, w = 1, 1
    elif kind == "upsample":
        h, w = h * bare.number("stride", 2), w * bare.number("stride", 2)
    elif kind == "reorg":
        stride = bare.number("stride", 1)
        h, w, c = h // stride, w // stride, c * stride * stride
    elif kind == "scale_channels":
        h, w, c = outputs[inputs[1] + 1]
    elif kind not in ("shortcut", "dropout", "softmax", "yolo", "region", "detection", "cost", "sam", "scale_channels"):
        raise ValueError(f"layer {index} of the .cfg file is [{kind}], which is not understood")
    return dataclasses.replace(bare, output=(h, w, c))


def _inputs(index: int, kind: str, options: Options) -> tuple[int, ...]:
    """Returns the places of the layers that one reads, each before it."""
    named = {"route": "layers", "shortcut": "from", "sam": "from", "scale_channels": "from"}.get(kind)
    words = options.get(named, "").split(",") if named else []
    places = [_place(index, kind, word.strip()) for word in words]
    if kind != "route":
        places = [index - 1, *places]
    if not all(-1 <= place < index for place in places):
        raise ValueError(f"layer {index} [{kind}] reads a layer that is not before it: {options.get(named or '')}")
    return tuple(places)


def _place(index: int, kind: str, word: str) -> int:
    if not re.fullmatch(r"-?\d{1,6}", word):
        raise ValueError(f"layer {index} [{kind}]: expected numbers of layers. Received: {word!r}")
    return int(word) + index if int(word) < 0 else int(word)


def _convolution(layer: Layer) -> Layer:
    h, w, c = layer.output
    filters, size, groups = layer.number("filters", 1), layer.number("size", 1), layer.number("groups", 1)
    padding = size // 2 if layer.number("pad", 0) else layer.number("padding", 0)
    stride = layer.number("stride", 1)
    if c % groups or filters % groups:
        raise ValueError(f"layer {layer.index}: {groups} groups divide neither {c} channels nor {filters} filters")
    output = ((h + 2 * padding - size) // stride + 1, (w + 2 * padding - size) // stride + 1, filters)
    kernel = {DEPTHWISE if groups == c == filters else "weights": (filters, c // groups, size, size)}
    return dataclasses.replace(
        layer, output=output, arrays={**_biases(layer, filters), **_norm(layer, filters), **kernel}
    )


def _connected(layer: Layer) -> Layer:
    h, w, c = layer.output
    units = layer.number("output", 1)
    arrays = {**_biases(layer, units), "weights": (units, h * w * c), **_norm(layer, units)}
    return dataclasses.replace(layer, output=(1, 1, units), arrays=arrays)


def _biases(layer: Layer, channels: int) -> dict[str, Shape]:
    """Returns the biases, which are those of the normalization where there is one."""
    return {"norm.biases" if layer.number("batch_normalize", 0) else "biases": (channels,)}


def _norm(layer: Layer, channels: int) -> dict[str, Shape]:
    names = ("scales", "rolling_mean", "rolling_variance") if layer.number("batch_normalize", 0) else ()
    return {f"norm.{name}": (channels,) for name in names}


def _number(options: Options, name: str, default: int, where: str) -> int:
    text = options.get(name, str(default))
    if not re.fullmatch(r"\d{1,8}", text) or int(text) > _LARGEST:
        raise ValueError(f"{where}: {name} must be a whole number. Received: {text}")
    if name in ("groups", "stride", "filters", "size", "height", "width", "channels") and int(text) == 0:
        raise ValueError(f"{where}: {name} must be positive. Received: {text}")
    return int(text)
