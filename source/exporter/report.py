"""What an export has come to: the file, its bytes, and how far it is from the model."""

import dataclasses
import json
import pathlib
from typing import Any

from source.exporter.artefact.artefact import size_on_disk
from source.exporter.verification import Difference


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """One file, written and compared.

    Attributes:
        exporter: its name.
        path: of the file or folder.
        bytes: on disk.
        examples: how many inputs were compared.
        real_examples: whether they were given; otherwise they are random numbers of the right shapes.
        outputs: a difference for each output.
        tolerance: the largest difference that is accepted, as a share of the range of the model's output.
        notes: what else there is to say of the file, one line each.
    """

    exporter: str
    path: pathlib.Path
    bytes: int
    examples: int
    real_examples: bool
    outputs: tuple[Difference, ...]
    tolerance: float
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether every output is within the tolerance."""
        return all(each.relative <= self.tolerance for each in self.outputs)

    @property
    def relative(self) -> float:
        """The largest difference of all outputs, as a share of the range."""
        return max((each.relative for each in self.outputs), default=0.0)

    def at(self, path: pathlib.Path) -> "ExportReport":
        """Returns the report of the same file under another name.

        Args:
            path: where the file is now.
        """
        return dataclasses.replace(self, path=path, bytes=size_on_disk(path))

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as plain values that JSON can hold; an infinite difference becomes None."""
        outputs = [{**dataclasses.asdict(each), "relative": each.relative} for each in self.outputs]
        finite = [{name: None if value == float("inf") else value for name, value in each.items()} for each in outputs]
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            **values,
            "path": self.path.name,
            "outputs": finite,
            "notes": list(self.notes),
            "accepted": self.accepted,
        }

    def write(self, path: pathlib.Path) -> None:
        """Writes the report as JSON.

        Args:
            path: of the JSON file.
        """
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    def __str__(self) -> str:
        agreements = [each.agreement for each in self.outputs if each.agreement is not None]
        same = f", {min(agreements):.2%} same index of the largest" if agreements else ""
        inputs = "given" if self.real_examples else "random"
        first = (
            f"{self.exporter}: {self.path}, {self.bytes:,} bytes; differs from the model by {self.relative:.2e} of the "
            f"range of its outputs (tolerance {self.tolerance:.2e}) on {self.examples} {inputs} inputs{same}."
        )
        return "\n".join([first, *self.notes])
