"""What a classifier said of each input, as JSON, CSV or text."""

import csv
import dataclasses
import datetime
import io
import json
import math
from collections.abc import Sequence
from typing import Any

FORMATS = ("json", "csv", "text")
SUFFIXES = {"json": ".json", "csv": ".csv", "text": ".txt"}
_VERSION = 0.2  # of the envelope


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a classifier said of one input.

    Attributes:
        file: where the input comes from.
        scores: a number for each class.
        index: of the example in the file; None if the file is one example.
    """

    file: str
    scores: tuple[float, ...]
    index: int | None = None

    @property
    def best(self) -> int:
        """The class of the largest score, the first of equal ones."""
        return max(range(len(self.scores)), key=self.scores.__getitem__)

    @property
    def name(self) -> str:
        """The file, with the example in brackets where it has several."""
        return self.file if self.index is None else f"{self.file}[{self.index}]"


def rendered(predictions: Sequence[Prediction], form: str, class_names: Sequence[str], score: str) -> str:
    """Returns predictions as text that ends with a line break.

    Args:
        predictions: in their order.
        form: one of `FORMATS`.
        class_names: in the order of the scores; classes without a name are called by their number.
        score: what a score is called, "probability" or "score".
    """
    count = max((len(each.scores) for each in predictions), default=len(class_names))
    names = [class_names[index] if index < len(class_names) else str(index) for index in range(count)]
    write = {"json": _json, "csv": _csv, "text": _text}[form]
    return write(predictions, names, score)


def _json(predictions: Sequence[Prediction], names: Sequence[str], score: str) -> str:
    classes = [{"id": index, "name": name} for index, name in enumerate(names)]
    envelope = {
        "benchmark": {},
        "classes": classes,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "results": [_result(each, classes, score) for each in predictions],
        "task": "IMAGE.CLASSIFICATION",
        "version": _VERSION,
    }
    return json.dumps(envelope, indent=4, allow_nan=False) + "\n"


def _result(prediction: Prediction, classes: Sequence[dict[str, Any]], score: str) -> dict[str, Any]:
    place = {"file_path": prediction.file} | ({} if prediction.index is None else {"index": prediction.index})
    scores = [value if math.isfinite(value) else None for value in prediction.scores]
    return {**place, "prediction": [{"class": each, score: value} for each, value in zip(classes, scores, strict=True)]}


def _csv(predictions: Sequence[Prediction], names: Sequence[str], score: str) -> str:
    has_index = any(each.index is not None for each in predictions)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file_path", *(["index"] if has_index else []), "class_id", "class_name", score])
    for each in predictions:
        place = [each.file, *([each.index] if has_index else [])]
        writer.writerow([*place, each.best, names[each.best], each.scores[each.best]])
    return stream.getvalue()


def _text(predictions: Sequence[Prediction], names: Sequence[str], score: str) -> str:
    rows = [(each.name, names[each.best], f"{each.scores[each.best]:.4f}") for each in predictions]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "".join(f"{name:<{widths[0]}}  {label:<{widths[1]}}  {number}\n" for name, label, number in rows)
