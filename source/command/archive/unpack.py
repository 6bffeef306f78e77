"""Unpacks archives (.zip, .tar, .tar.gz, .tar.xz, .gz) without following what a hostile one may say.

Nothing is written outside the folder, no link is ever made, no mode or owner is taken over, nothing is written over,
and what is unpacked is counted while it is written.
"""

import dataclasses
import gzip
import lzma
import pathlib
import tarfile
import zipfile
import zlib
from typing import IO, Any

from source.command.archive import _tar, _zip
from source.command.archive._writer import Writer
from source.command.archive.limits import Limits
from source.config.errors import DataError

FORMATS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".gz")
_ZIP, _GZIP, _XZ = b"PK\x03\x04", b"\x1f\x8b", b"\xfd7zXZ\x00"
_EMPTY_ZIP = b"PK\x05\x06"
_BROKEN = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # a kind of compression that Python does not know
    UnicodeDecodeError,
    RuntimeError,  # `zipfile` of encrypted files
    ValueError,  # numbers in headers that are none
)


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """What came out.

    Attributes:
        files: how many.
        bytes: of all of them.
    """

    files: int
    bytes: int


def unpack(archive: pathlib.Path, folder: pathlib.Path, limits: Limits | None = None) -> Unpacked:
    """Unpacks an archive, known by what is in it, into a folder and returns how much came out.

    Args:
        archive: the file.
        folder: an empty one. After an error something may be left in it.
        limits: of what may come out.

    Raises:
        DataError: for a file that is no such archive, is damaged, holds what an archive of data does not need, or more
            than the limits allow.
    """
    writer = Writer(archive, folder, limits or Limits())
    try:
        with archive.open("rb") as file:
            _unpack_file(file, archive, writer)
    except DataError:
        raise
    except _BROKEN as error:
        raise DataError(f"{archive}: is damaged or cut off: {' '.join(str(error).split()) or 'no data'}.") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}.") from error
    if not writer.files:
        raise DataError(f"{archive}: there are no files in this archive.")
    return Unpacked(writer.files, writer.bytes)


def _unpack_file(file: IO[bytes], archive: pathlib.Path, writer: Writer) -> None:
    start = file.read(8)
    file.seek(0)
    if start.startswith((_ZIP, _EMPTY_ZIP)):
        _zip.unpack_zip(file, writer)
    elif start.startswith(_GZIP):
        with gzip.GzipFile(fileobj=file) as stream:
            _unpack_stream(stream, archive, writer)
    elif start.startswith(_XZ):
        with lzma.LZMAFile(file) as stream:
            _unpack_stream(stream, archive, writer)
    elif _tar.is_tar(file):
        _tar.unpack_tar(file, writer)
    else:
        raise DataError(f"{archive}: expected an archive of the kinds {', '.join(FORMATS)}. Received another file.")


def _unpack_stream(stream: Any, archive: pathlib.Path, writer: Writer) -> None:
    """Unpacks what was compressed as a whole: an archive, or a single file, whose name loses its suffix."""
    if _tar.is_tar(stream) or archive.stem.endswith(".tar"):
        _tar.unpack_tar(stream, writer)
    else:
        writer.write(archive.stem, stream)
