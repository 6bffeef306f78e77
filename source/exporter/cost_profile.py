"""A table of what each layer of a model costs: Markdown to read, CSV and JSON to compute with."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from source.compressor.report import stored_bytes
from source.config.errors import ConfigError
from source.graph.cost import Cost, LayerCost, WeightCost, cost
from source.graph.stored_numbers import StoredNumbers
from source.layer.compressed import Compressed

_FLOAT_BITS = 32
_BITS_OF_A_MEGABYTE = 8 * 1024**2
_SUMS = ("parameters", "macs", "flops", "bit_operations", "activations", "activation_bytes")


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a model costs, as tables.

    Attributes:
        cost: layer by layer.
        bits: width that the column of a quantized size takes for every kernel, whatever it was rounded to.
    """

    cost: Cost
    bits: int

    def to_markdown(self) -> str:
        """Returns a table of nested names: sizes in 2^20 bytes, operations in millions.

        Sizes are those of all parameters in 32 bits, and of kernels in `bits` bits and all else in 32. Bytes are those
        of the width that each weight was rounded to, statistics too.
        """
        shape = self.cost.input_shapes[0]
        head = [f"# {self.cost.name}", ""]
        if len(shape) == 4:
            head.append(f"* Image size: {{height: {shape[1]}, width: {shape[2]}}}")
        else:
            head.append(f"* Input: {shape}")
        head += [f"* Number of class: {self.cost.output_shapes[0][-1]}", ""]
        columns = ["Name", "Param", "Size (MB)", f"{self.bits} bits Quant Size (MB)", "FLOPs (m)"]
        columns += ["MACs (m)", "Bit operations (m)", "Activation bytes", "Bytes"]
        rows = [_line(columns), _line([":--", *["--:"] * (len(columns) - 1)])]
        tail = [f"\nNot counted, for want of a rule: {', '.join(self.cost.unknown)}."] if self.cost.unknown else []
        return "\n".join([*head, *rows, *(_line(cells) for cells in self._rows()), *tail]) + "\n"

    def to_csv(self) -> str:
        """Returns one line a layer, in full precision, shapes of one example; nothing where there is no rule."""
        text = io.StringIO()
        rows = [_layer_values(layer) for layer in self.cost.layers]
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "output_shape": "x".join(str(each) for each in row["output_shape"][1:])})
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain values that JSON can hold; sizes of parameters in bits."""
        shape = self.cost.input_shapes[0]
        size = list(shape[1:3]) if len(shape) == 4 else [None, None]
        tree = [self._parameters(scope) for scope in self._scopes()]
        return {
            "model_name": self.cost.name,
            "image_size_height": size[0],
            "image_size_width": size[1],
            "num_classes": self.cost.output_shapes[0][-1],
            "flops": {
                "total_flops": self.cost.total("flops"),
                "children": [{"name": each.name, "flops": each.flops} for each in self.cost.layers if each.flops],
            },
            "parameters": {
                "total_parameters": self.cost.total("parameters"),
                "total_size": self.cost.total("parameters") * _FLOAT_BITS,
                "quant_bit": self.bits,
                "total_quant_size": sum(each["quant_size"] for each in tree),
                "children": [each for each in tree if each["parameters"]],
            },
            "totals": {
                **{name: self.cost.total(name) for name in _SUMS},
                "bytes": self.cost.total("size_bytes"),
                "sparsity": self.cost.sparsity,
            },
            "unknown": list(self.cost.unknown),
            "layers": [{**_layer_values(each), "weights": _weight_values(each)} for each in self.cost.layers],
        }

    def to_json(self) -> str:
        """Returns `to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def _scopes(self) -> "list[_Scope]":
        root = _Scope("")
        for layer in self.cost.layers:
            place = root
            for part in layer.name.split("/"):
                place = place.child(part)
            place.layer = layer
        return list(root.children.values())

    def _rows(self) -> Iterator[list[str]]:
        scopes = self._scopes()
        yield self._cells("**total**", [layer for scope in scopes for layer in scope.layers()], bold=True)
        for scope in scopes:
            yield from self._scope_rows(scope, 1)

    def _scope_rows(self, scope: "_Scope", level: int) -> Iterator[list[str]]:
        layers = [layer for layer in scope.layers() if layer.parameters or layer.flops or layer.macs is None]
        if not layers:
            return
        name = f"**{scope.name}**" if level == 1 else _indented(scope.name, level)
        yield self._cells(name, scope.layers(), bold=level == 1)
        for child in scope.children.values():
            yield from self._scope_rows(child, level + 1)
        for weight in scope.layer.weights if scope.layer else ():
            if weight.is_parameter:
                cells = [str(weight.numbers), _megabytes(weight.numbers * _FLOAT_BITS)]
                cells += [_megabytes(self._quantized(weight)), "-", _millions(weight.macs or None), "-", "-"]
                yield [_indented(f"{scope.name}/{weight.path}", level + 1), *cells, str(weight.stored.bytes)]

    def _cells(self, name: str, layers: Sequence[LayerCost], bold: bool) -> list[str]:
        weights = [weight for layer in layers for weight in layer.weights if weight.is_parameter]
        numbers = sum(weight.numbers for weight in weights)
        sizes = [str(numbers), _megabytes(numbers * _FLOAT_BITS), _megabytes(sum(map(self._quantized, weights)))]
        cells = [each if numbers else "-" for each in sizes]
        unknown = all(layer.macs is None for layer in layers)
        for what in ("flops", "macs", "bit_operations"):
            total = sum(getattr(layer, what) or 0 for layer in layers)
            cells.append("?" if unknown else _millions(total or None))
        cells += [str(sum(layer.activation_bytes for layer in layers)), str(sum(layer.size_bytes for layer in layers))]
        return [name, *(f"**{each}**" if bold and each != "-" else each for each in cells)]

    def _quantized(self, weight: WeightCost) -> int:
        return weight.numbers * (self.bits if weight.is_kernel else _FLOAT_BITS)

    def _parameters(self, scope: "_Scope") -> dict[str, Any]:
        """Returns the parameters below a scope, as a tree."""
        children = [self._parameters(each) for each in scope.children.values()]
        for weight in scope.layer.weights if scope.layer else ():
            if weight.is_parameter:
                numbers = weight.numbers
                sizes = {"size": numbers * _FLOAT_BITS, "quant_size": self._quantized(weight)}
                leaf = {"name": f"{scope.name}/{weight.path}", "parameters": numbers, **sizes, "children": []}
                children.append({**leaf, "is_quant_kernel": weight.is_kernel})
        sums = {key: sum(each[key] for each in children) for key in ("parameters", "size", "quant_size")}
        return {"name": scope.name, **sums, "children": children}


def profile(model: keras.Model, bits: int = 8, input_shapes: Sequence[tuple[int | None, ...]] | None = None) -> Profile:
    """Returns what each layer of a model costs, for one example.

    Args:
        model: functional or sequential, built; plain, prepared by a compressor, or finished.
        bits: width of kernels in the column of a quantized size.
        input_shapes: of one example, one an input, where the model leaves lengths free.

    Raises:
        ConfigError: for other widths than 1 to 32, models written as classes, and free lengths without shapes.
    """
    if not 1 <= bits <= _FLOAT_BITS:
        raise ConfigError(f"`bits` must be in [1, 32]. Received: bits={bits}.")
    return Profile(cost(model, input_shapes, stored_by_chain), bits)


def stored_by_chain(layer: Compressed, path: str) -> StoredNumbers:
    """Returns how a weight of a prepared model will be stored, as the compressor's report counts it.

    Args:
        layer: a wrapper.
        path: of a weight that has a chain.
    """
    chain = layer.weight_chains[path]
    coded = [each.code_bits for each in chain if each.code_bits is not None]
    how = " > ".join(each.description for each in chain)
    return StoredNumbers(coded[-1] if coded else _FLOAT_BITS, stored_bytes(layer, path), how)


class _Scope:
    """A name with what stands below it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: dict[str, _Scope] = {}
        self.layer: LayerCost | None = None

    def child(self, part: str) -> "_Scope":
        """Returns the scope of this part of a name, made if need be."""
        return self.children.setdefault(part, _Scope(f"{self.name}/{part}" if self.name else part))

    def layers(self) -> list[LayerCost]:
        """Returns all layers below, its own first."""
        own = [self.layer] if self.layer else []
        return own + [layer for child in self.children.values() for layer in child.layers()]


def _layer_values(layer: LayerCost) -> dict[str, Any]:
    kernels = [weight for weight in layer.weights if weight.is_kernel]
    return {
        "name": layer.name,
        "kind": layer.kind,
        "calls": layer.calls,
        "output_shape": list(layer.output_shape),
        "parameters": layer.parameters,
        "kept": sum(weight.kept for weight in layer.weights if weight.is_parameter),
        "weight_bits": max((weight.stored.bits for weight in kernels), default=None),
        "bytes": layer.size_bytes,
        "macs": layer.macs,
        "flops": layer.flops,
        "bit_operations": layer.bit_operations,
        "activations": layer.activations,
        "activation_bits": layer.activation_bits,
        "activation_bytes": layer.activation_bytes,
    }


def _weight_values(layer: LayerCost) -> list[dict[str, Any]]:
    return [
        {
            "path": weight.path,
            "shape": list(weight.shape),
            "kept": weight.kept,
            "bits": weight.stored.bits,
            "bytes": weight.stored.bytes,
            "how": weight.stored.how,
            "macs": weight.macs,
        }
        for weight in layer.weights
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _indented(name: str, level: int) -> str:
    return "&nbsp;&nbsp;" * (level - 1) + name


def _megabytes(bits: int) -> str:
    return _rounded(bits / _BITS_OF_A_MEGABYTE)


def _millions(count: int | None) -> str:
    return "-" if count is None else _rounded(count / 1e6)


def _rounded(number: float) -> str:
    return f"{number:.5f}".rstrip("0").rstrip(".")
