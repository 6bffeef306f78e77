"""Data sets of a few pictures, as somebody has them."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, height: int = 40, width: int = 60, mode: str = "RGB") -> None:
    """Writes a picture, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (width, height)).save(path)


def folders(root: Path, counts: dict[str, int], **how) -> Path:
    """Writes a folder of pictures for each class."""
    for name, count in counts.items():
        for number in range(count):
            picture(root / name / f"{number}.png", **how)
    return root


def table(root: Path, labels: list[str], header: str = "", delimiter: str = ",") -> Path:
    """Writes pictures and the CSV file that lists them."""
    rows = [header] if header else []
    for number, label in enumerate(labels):
        picture(root / "all" / f"{number}.png")
        rows.append(f"all/{number}.png{delimiter}{label}")
    (root / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root / "list.csv"


def archive(path: Path, **arrays) -> Path:
    """Writes an archive of arrays."""
    np.savez(path, **arrays)
    return path
