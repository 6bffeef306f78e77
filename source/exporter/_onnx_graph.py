"""What is done to a converted graph: what the converter left is expressed, values are named, the rest is refused."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from source.config.errors import ConfigError
from source.exporter._onnx_convert import package

_NAMED = 3  # operators that a message names before it counts the others


def express_erfc(graph: Any) -> None:
    """Writes the complementary error function, which ONNX has not, as 1 - erf(x).

    Args:
        graph: changed in place.
    """
    onnx = package("onnx")
    left = [node for node in graph.node if node.op_type == "Erfc"]
    if not left:
        return
    graph.initializer.append(onnx.helper.make_tensor("one", onnx.TensorProto.FLOAT, (), [1.0]))
    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        between = f"{node.name}_erf"
        nodes.append(onnx.helper.make_node("Erf", [node.input[0]], [between], name=between))
        nodes.append(onnx.helper.make_node("Sub", ["one", between], [node.output[0]], name=node.name))
    replace_nodes(graph, nodes)


def group_convolutions(graph: Any) -> None:
    """Leaves out the zeros of convolutions that are zero between groups of channels, and says how many groups.

    Args:
        graph: changed in place.
    """
    onnx = package("onnx")
    kernels = {each.name: each for each in graph.initializer}
    convolutions = [node for node in graph.node if _attribute(node, "group") == 1 and node.op_type == "Conv"]
    others = {name for node in graph.node if node not in convolutions for name in node.input}
    groups = {}
    for name in {node.input[1] for node in convolutions} & kernels.keys() - others:
        kernel = onnx.numpy_helper.to_array(kernels[name])
        groups[name] = _groups(kernel)
        kernels[name].CopyFrom(onnx.numpy_helper.from_array(_without_zeros(kernel, groups[name]), name))
    for node in convolutions:
        for attribute in node.attribute:
            if attribute.name == "group":
                attribute.i = groups.get(node.input[1], 1)


def _attribute(node: Any, name: str) -> int | None:
    return next((each.i for each in node.attribute if each.name == name), None)


def _groups(kernel: np.ndarray) -> int:
    """Returns the largest number of groups between which a kernel (filters, channels, ...) is zero."""
    used = np.any(kernel != 0, axis=tuple(range(2, kernel.ndim)))
    most = math.gcd(*used.shape)
    for groups in range(most if used.any() else 1, 1, -1):
        if most % groups == 0:
            blocks = used.reshape(groups, used.shape[0] // groups, groups, -1).any(axis=(1, 3))
            if not blocks[~np.eye(groups, dtype=bool)].any():
                return groups
    return 1


def _without_zeros(kernel: np.ndarray, groups: int) -> np.ndarray:
    rows = np.split(kernel, groups)
    return np.concatenate([np.split(row, groups, axis=1)[index] for index, row in enumerate(rows)])


def replace_nodes(graph: Any, nodes: Sequence[Any]) -> None:
    """Gives a graph other nodes.

    Args:
        graph: changed in place.
        nodes: in an order in which they can be computed.
    """
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def name_values(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Gives inputs and outputs the names of the model's; others of the same names make room. Free lengths get names.

    Args:
        graph: changed in place.
        inputs: names, in the order of the graph's.
        outputs: names, in the order of the graph's; those taken already get `_output` behind them.

    Raises:
        ConfigError: for inputs that the graph should not have, or has lost.
    """
    refuse_other_inputs(graph, len(inputs))
    new: dict[str, str] = {}
    for value, name in zip([*graph.input, *graph.output], [*inputs, *outputs], strict=True):
        while name in new.values():
            name = f"{name}_output"
        new[value.name] = name
    taken = set(new.values())
    inner = {each.name for each in graph.initializer} | {name for node in graph.node for name in node.output}
    _rename(graph, {**{name: f"{name}_inside" for name in inner & taken}, **new})
    for value in [*graph.input, *graph.output]:
        for axis, length in enumerate(value.type.tensor_type.shape.dim):
            if not length.HasField("dim_value"):
                length.dim_param = f"{value.name}_{axis}" if axis else "batch"


def shorten_names(graph: Any, model: str) -> None:
    """Numbers the values inside a graph and leaves the model's name out of those of nodes: a third of a small file.

    Args:
        graph: changed in place; one with loops keeps its values' names.
        model: its name.
    """
    del graph.value_info[:]
    for node in graph.node:
        node.name = re.sub(rf"^({re.escape(model)}(_\d+)?/)+", "", node.name)
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return
    outside = {each.name for each in [*graph.input, *graph.output]}
    inside = [*(each.name for each in graph.initializer), *(name for node in graph.node for name in node.output)]
    numbers = (f"v{index}" for index in itertools.count() if f"v{index}" not in outside)
    _rename(graph, dict(zip([name for name in inside if name and name not in outside], numbers, strict=False)))


def refuse_other_inputs(graph: Any, count: int) -> None:
    """Refuses a graph with other inputs than the model has.

    Args:
        graph: of which initializers are no inputs.
        count: of the model's inputs.

    Raises:
        ConfigError: naming what uses the inputs that are too many.
    """
    foreign = [each.name for each in graph.input][count:]
    if foreign:
        users = sorted({f"`{node.name}` ({node.op_type})" for node in graph.node if set(foreign) & set(node.input)})
        raise ConfigError(
            f"onnx: {_first(users)} would need constants as inputs of the file: a layer computes with a tensor that "
            "is neither a weight nor a number. Let the layer keep it as a weight: `self.add_weight(..., trainable="
            "False)`."
        )
    if len(graph.input) < count:
        raise ConfigError(f"onnx: the file would have {len(graph.input)} inputs, and the model has {count}.")


def refuse_unknown(proto: Any) -> None:
    """Refuses operators that ONNX does not have, and graphs that are not valid.

    Args:
        proto: an `onnx.ModelProto`.

    Raises:
        ConfigError: naming operators and the layers they come from.
    """
    onnx = package("onnx")
    versions = {each.domain: each.version for each in proto.opset_import}
    found = [f"`{node.name}` ({node.op_type})" for node in proto.graph.node if not _is_known(node, versions)]
    if found:
        raise ConfigError(
            f"onnx: {_first(found)} cannot be converted: version {versions.get('')} of ONNX's operators has no such "
            "operator. Replace the layer by one that computes the same in other ways."
        )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConfigError(f"onnx: the converted graph is not valid: {error}") from error


def _first(found: Sequence[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _is_known(node: Any, versions: Mapping[str, int]) -> bool:
    schemas = package("onnx").defs
    return not node.domain and schemas.has(node.op_type, versions[""], "")


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    for value in [*graph.input, *graph.output, *graph.initializer, *graph.value_info]:
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(each, each) for each in node.input]
        node.output[:] = [names.get(each, each) for each in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)  # a loop's body uses values of the graph around it
