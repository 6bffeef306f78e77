"""Prints what each layer of the model is and costs: output shape, parameters, multiplications, bits, density.

The model is that of the newest checkpoint of the run, as its compressor finishes it; without a checkpoint, the network,
not compressed. No data is read. Four tables are printed: layers, weights that are trained, other variables, and what
the compressor has come to.

MACs are the multiplications of one example, each with its addition; those of zero weights count, too. Bits are those
that the numbers of a kernel need, found in the numbers. Density is the share of weights that are not zero. Bytes are
those of packed codes, before a file of any kind is written.

If the folder of the run is there, all of this is written to `info.json` in it, too.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from source.command.action._model import looked_at
from source.command.record.table import to_text
from source.command.session import Session

if TYPE_CHECKING:
    from source.compressor.report import Report
    from source.exporter.cost_profile import Profile
    from source.graph.cost import LayerCost, WeightCost

SUMMARY = "print layers, parameters, multiplications, bits and density"
_FILE = "info.json"


def run(session: Session) -> None:
    """Prints the tables.

    Args:
        session: of the command line.
    """
    with looked_at(session) as seen:
        from source.exporter.cost_profile import profile

        made = profile(seen.model)
        print(_text(str(session.setting("name") or made.cost.name), made, seen.what, seen.report))
    if session.folder.is_dir():
        path = session.folder / _FILE
        path.write_text(json.dumps(_values(made, seen.what, seen.report), indent=2) + "\n", encoding="utf-8")
        print(f"wrote {path}")


def _text(title: str, made: "Profile", what: str, report: "Report | None") -> str:
    cost = made.cost
    weights = [(layer, weight) for layer in cost.layers for weight in layer.weights]
    trained = [pair for pair in weights if pair[1].is_parameter]
    others = [pair for pair in weights if not pair[1].is_parameter]
    parts = [f"{title}, {what}", to_text(_COLUMNS, [*map(_row, cost.layers), _total(made)], left=3)]
    for kind, pairs in (("trained", trained), ("not trained", others)):
        if pairs:
            parts.append(to_text((kind, "shape", "numbers"), [*map(_weight_row, pairs), _sum(pairs)], left=2))
    if report is not None:
        parts.append(f"{report}\n")
    if cost.unknown:
        parts.append(f"Not counted, for want of a rule: {', '.join(cost.unknown)}.\n")
    return "\n".join(parts).rstrip("\n")


_COLUMNS = ("layer", "kind", "output", "parameters", "MACs", "bits", "density", "bytes")


def _row(layer: "LayerCost") -> list[str]:
    kernels = [weight for weight in layer.weights if weight.is_kernel]
    bits = max((weight.stored.bits for weight in kernels), default=None)
    return [
        layer.name,
        layer.kind,
        _shape(layer.output_shape[1:]),
        f"{layer.parameters:,}" if layer.parameters else "",
        "?" if layer.macs is None else f"{layer.macs:,}" if layer.macs else "",
        "" if bits is None else f"{bits:.4g}",
        _density(kernels),
        f"{layer.size_bytes:,}" if layer.size_bytes else "",
    ]


def _total(made: "Profile") -> list[str]:
    cost = made.cost
    kernels = [weight for layer in cost.layers for weight in layer.weights if weight.is_kernel]
    sums = [f"{cost.total(what):,}" for what in ("parameters", "macs")]
    return ["all", "", "", *sums, "", _density(kernels), f"{cost.total('size_bytes'):,}"]


def _weight_row(pair: "tuple[LayerCost, WeightCost]") -> list[str]:
    layer, weight = pair
    return [f"{layer.name}/{weight.path}", _shape(weight.shape), f"{weight.numbers:,}"]


def _sum(pairs: "Sequence[tuple[LayerCost, WeightCost]]") -> list[str]:
    return ["all", "", f"{sum(weight.numbers for _, weight in pairs):,}"]


def _shape(lengths: Sequence[int | None]) -> str:
    return " x ".join("?" if length is None else str(length) for length in lengths)


def _density(kernels: "Sequence[WeightCost]") -> str:
    numbers = sum(weight.numbers for weight in kernels)
    return f"{sum(weight.kept for weight in kernels) / numbers:.2%}" if numbers else ""


def _values(made: "Profile", what: str, report: "Report | None") -> dict[str, Any]:
    compression = {} if report is None else {"compression": report.to_dict()}
    return {"what": what, **made.to_dict(), **compression}
