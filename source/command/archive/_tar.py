"""Unpacks a tar archive from a stream."""

import io
import posixpath
import tarfile
from typing import IO

from source.command.archive._writer import Writer

_BLOCK = tarfile.BLOCKSIZE
# `tarfile` reads the headers of long names at once, and their length is what the archive says.
_LONGEST_READ = 16 << 20
_REST = 1 << 20


class _Reader(io.RawIOBase):
    """A stream that refuses to give much at once, and to be read far beyond what may come out."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _LONGEST_READ:
            raise tarfile.ReadError("a header is longer than 16 MiB")
        if self._stream.tell() > self._most:
            raise tarfile.ReadError("it goes on beyond the limit")
        return self._stream.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        if place > self._most:
            raise tarfile.ReadError("it goes on beyond the limit")
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def is_tar(stream: IO[bytes]) -> bool:
    """Returns whether a stream begins with the header of a tar archive; it is at its beginning afterwards."""
    start = stream.read(_BLOCK)
    stream.seek(0)
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def unpack_tar(stream: IO[bytes], writer: Writer) -> None:
    """Writes every file in one pass; a link within the archive becomes a copy of what it leads to."""
    # Headers and filling take three blocks a file at most, where names are short; long names take a few more.
    most = 2 * writer.limits.bytes + 16 * _BLOCK * writer.limits.files
    reader = _Reader(stream, most)
    with tarfile.open(fileobj=reader, mode="r:") as archive:
        for member in archive:
            _unpack_member(archive, member, writer)
        _check_end(reader, archive.offset)


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, writer: Writer) -> None:
    writer.count_entry(member.name, member.size if member.isreg() else 0)
    if member.isdir():
        writer.make_folder(member.name)
    elif member.isreg():
        content = archive.extractfile(member)
        if content is None:
            raise writer.refuse(member.name, "has no content")
        with content:
            writer.write(member.name, content)
    elif member.issym():
        writer.copy(member.name, _target(member, writer))
    elif member.islnk():
        writer.copy(member.name, member.linkname)
    else:
        raise writer.refuse(member.name, "is a device or a pipe")


def _target(member: tarfile.TarInfo, writer: Writer) -> str:
    """Returns what a symbolic link leads to, as seen from the top of the archive."""
    if member.linkname.startswith("/"):
        raise writer.refuse(member.name, f"is a link out of the folder, to `{member.linkname}`")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
    if target.startswith(".."):
        raise writer.refuse(member.name, f"is a link out of the folder, to `{member.linkname}`")
    return target


def _check_end(reader: _Reader, offset: int) -> None:
    """Raises if there is no end, a block of zeros, where the last file ends; reads the rest, whose checksums count."""
    reader.seek(offset)
    if reader.read(_BLOCK) != bytes(_BLOCK):
        raise tarfile.ReadError("it does not end where its last file does")
    while reader.read(_REST):
        pass
