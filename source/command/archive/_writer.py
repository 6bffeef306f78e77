"""Writes the files of an archive into a folder: checked names, no links, nothing over what is there, within limits."""

import pathlib
import re
import shutil
from typing import IO

from source.command.archive.limits import Limits
from source.config.errors import DataError

_AT_ONCE = 1 << 20
_LONGEST = 255  # bytes of a part of a path, as most file systems take
_DEEPEST = 64
_SPARE = 64 << 20  # bytes that are left free on the disk


class Writer:
    """A folder that the files of one archive are written into.

    Attributes:
        files: how many were written.
        bytes: of all of them.
    """

    def __init__(self, archive: pathlib.Path, folder: pathlib.Path, limits: Limits) -> None:
        self.files = 0
        self.bytes = 0
        self.limits = limits
        self._archive = archive
        self._folder = folder
        self._entries = 0

    def refuse(self, name: str, why: str) -> DataError:
        """Returns an error that says what is wrong with an entry."""
        return DataError(f"{self._archive}: refused, nothing was unpacked. `{_shown(name)}` {why}.")

    def count_entry(self, name: str, size: int) -> None:
        """Counts an entry before anything of it is read; `size` is what the archive says, in bytes."""
        self._entries += 1
        if self._entries > self.limits.files:
            raise DataError(f"{self._archive}: holds more than {self.limits.files:,} files. See --limit_files.")
        if size < 0:
            raise self.refuse(name, "has a negative size")
        self._check_bytes(size)
        if size > shutil.disk_usage(self._folder).free - _SPARE:
            raise DataError(f"{self._archive}: there is no room on the disk for `{_shown(name)}`, {size:,} bytes.")

    def make_folder(self, name: str) -> None:
        """Makes a folder and those above it."""
        place = self._place(name)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self.refuse(name, "is a file and a folder at once") from None

    def write(self, name: str, stream: IO[bytes]) -> None:
        """Writes a file from a stream, and stops where the limit is."""
        place = self._place(name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self.refuse(name, "is below a file") from None
        try:
            target = place.open("xb")
        except FileExistsError:
            raise self.refuse(name, "is there twice") from None
        with target:
            while part := stream.read(_AT_ONCE):
                self._check_bytes(len(part))
                self.bytes += len(part)
                target.write(part)
        self.files += 1

    def copy(self, name: str, target: str) -> None:
        """Writes a file again under another name, in the place of a link within the archive."""
        source = self._place(target)
        if not source.is_file():
            raise self.refuse(name, f"is a link to `{_shown(target)}`, which is no file before it in the archive")
        with source.open("rb") as stream:
            self.write(name, stream)

    def _check_bytes(self, more: int) -> None:
        if self.bytes + more > self.limits.bytes:
            limit = self.limits.bytes / 10**9
            raise DataError(f"{self._archive}: holds more than {limit:g} GB when unpacked. See --limit_gb.")

    def _place(self, name: str) -> pathlib.Path:
        """Returns the path of an entry below the folder."""
        if re.match(r"[A-Za-z]:", name) or name.startswith("/"):
            raise self.refuse(name, "is an absolute path")
        if "\\" in name or any(ord(letter) < 32 for letter in name):
            raise self.refuse(name, "holds a backslash or a control character")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self.refuse(name, "leads out of the folder")
        if len(parts) > _DEEPEST or any(len(part.encode(errors="surrogateescape")) > _LONGEST for part in parts):
            raise self.refuse(name[:80], "is too long or too deep")
        return self._folder.joinpath(*parts)


def _shown(name: str) -> str:
    """Returns a name that a terminal can show."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in plain)[:120]
