"""From what a user names on the command line to a sorted list of files."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from source.command.parser import UsageError

ARRAYS = (".npy", ".npz")
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")


def input_files(words: Sequence[str]) -> list[Path]:
    """Returns the files that paths, folders and patterns name, sorted, each once.

    A folder stands for all pictures in it and below it, known by their suffix; a file that is named is taken whatever
    it is called.

    Args:
        words: paths of files and folders, or patterns such as `cats/*.png` and `**/*.jpg`.

    Raises:
        UsageError: for a word that names nothing, or a mixture of pictures and arrays.
    """
    found = {file for word in words for file in _named(word)}
    arrays = [file for file in found if file.suffix in ARRAYS]
    if arrays and len(arrays) < len(found):
        raise UsageError(f"expected either pictures or arrays ({', '.join(ARRAYS)}). Received: both.")
    return sorted(found)


def _named(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        below = [file for file in path.rglob("*") if file.suffix.lower() in PICTURES and file.is_file()]
        if not below:
            raise UsageError(f"{word}: there is no picture in this folder. Known suffixes: {', '.join(PICTURES)}.")
        return below
    if path.exists():
        return [path]
    hits = [Path(hit) for hit in glob.glob(word, recursive=True) if os.path.isfile(hit)]
    if not hits:
        raise UsageError(f"{word}: there is no such file, and no file that this pattern fits.")
    return hits
