"""A folder that pictures are written into, all in one style; no window is opened."""

import os
import pathlib
import re
import zlib
from types import TracebackType
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from source.config.errors import DataError

SUFFIXES = ("png", "svg")
INK, BLUE, GREEN, RED = "#6f7880", "#3d85d9", "#2f8f6f", "#c0603f"  # about 4:1 on white and on dark paper alike
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "espalier",  # the same numbers give the same file
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "grid.color": INK,
}
_DOTS_PER_INCH = 150
_LONGEST = 120  # of a name; most file systems take 255 bytes


class Pictures:
    """A folder of pictures, and a context in which they are drawn in one style.

    Attributes:
        folder: where they are written; it is made when the first is.
        suffix: "png" or "svg".
        paths: of what was written, in its order.
    """

    def __init__(self, folder: pathlib.Path, suffix: str = "png") -> None:
        """Remembers where; nothing is written yet.

        Args:
            folder: where pictures are written.
            suffix: "png" or "svg".
        """
        self.folder = folder
        self.suffix = suffix
        self.paths: list[pathlib.Path] = []
        self._style = matplotlib.rc_context(_STYLE)

    def __enter__(self) -> "Pictures":
        self._style.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._style.__exit__(kind, error, trace)

    def figure(self, width: float, height: float) -> Figure:
        """Returns an empty figure.

        Args:
            width: in inches.
            height: in inches.
        """
        return Figure(figsize=(width, height), layout="constrained")

    def save(self, figure: Figure, name: str) -> pathlib.Path:
        """Writes a figure and returns its path; two names of one call that come to the same file are told apart.

        Args:
            figure: what to write.
            name: of the picture, any text; what file systems do not take becomes an underscore.

        Raises:
            DataError: if it cannot be written.
        """
        path = self.folder / f"{_file_name(name)}.{self.suffix}"
        if path in self.paths:
            path = self.folder / f"{_file_name(f'{name}_{len(self.paths)}')}.{self.suffix}"
        metadata = {"Date": None} if self.suffix == "svg" else None
        written = path.with_name(f".{path.name}.tmp")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(written, format=self.suffix, dpi=_DOTS_PER_INCH, metadata=metadata)
            os.replace(written, path)
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error
        self.paths.append(path)
        return path


def _file_name(name: str) -> str:
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._") or "picture"
    if len(plain) <= _LONGEST:
        return plain
    return f"{plain[: _LONGEST - 9]}-{zlib.crc32(name.encode()):08x}"
