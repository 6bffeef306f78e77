"""Unpacks a .zip archive."""

import stat
import zipfile
from typing import IO

from source.command.archive._writer import Writer

_ENCRYPTED = 0x1


def unpack_zip(file: IO[bytes], writer: Writer) -> None:
    """Writes every file; refuses links, devices and what is encrypted before anything is written."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        for entry in entries:
            _check(entry, writer)
        for entry in entries:
            writer.count_entry(entry.orig_filename, entry.file_size)
            if entry.is_dir():
                writer.make_folder(entry.orig_filename)
            else:
                with archive.open(entry) as stream:
                    writer.write(entry.orig_filename, stream)


def _check(entry: zipfile.ZipInfo, writer: Writer) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise writer.refuse(entry.orig_filename, "is a link or a device")
    if entry.flag_bits & _ENCRYPTED:
        raise writer.refuse(entry.orig_filename, "is encrypted")
