"""The curves of a run: each metric over steps, of training and of evaluations."""

from typing import Any

from source.command.record.run_summary import finite
from source.exporter.page.curves import Curve, curves

_NOT_DRAWN = frozenset({"kind", "step", "epoch", "first_step", "seconds", "examples"})
_FIRST = ("loss", "accuracy", "learning_rate")
_MOST = 24  # pictures; a page of hundreds is not read
_KINDS = {"train": "training", "evaluate": "evaluation"}


def curve_section(records: list[dict[str, Any]]) -> list[str]:
    """Returns a picture for each metric, those of most interest first; nothing without records.

    Args:
        records: of `metrics.jsonl`.
    """
    names = dict.fromkeys(name for record in records for name in record if name not in _NOT_DRAWN)
    ordered = [name for name in _FIRST if name in names] + [name for name in names if name not in _FIRST]
    pictures = [picture for name in ordered if (picture := _picture(records, name))][:_MOST]
    return ["<h2>Curves</h2>", '<div class="plots">', *pictures, "</div>"] if pictures else []


def _picture(records: list[dict[str, Any]], name: str) -> str:
    drawn = []
    for kind, called in _KINDS.items():
        chosen = [record for record in records if record.get("kind") == kind and name in record]
        points = [(float(record["step"]), finite(record[name])) for record in chosen]
        if any(y is not None for _, y in points):
            drawn.append(Curve(called, points, main=kind == "evaluate"))
    return curves(name.replace("_", " "), drawn, "step") if drawn else ""
