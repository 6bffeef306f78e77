"""Archives for tests, honest and hostile."""

import gzip
import io
import pathlib
import stat
import tarfile
import zipfile
from typing import Any

FILES = {"data/a.txt": b"first", "data/b/c.bin": bytes(300), "data/empty": b""}


def make_tar(
    path: pathlib.Path, files: dict[str, bytes] | None = None, *members: tarfile.TarInfo, mode: str = "w"
) -> pathlib.Path:
    with tarfile.open(path, mode) as archive:
        for name, content in (FILES if files is None else files).items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o777
            archive.addfile(member, io.BytesIO(content))
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def make_zip(path: pathlib.Path, files: dict[str, bytes] | None = None, **settings: Any) -> pathlib.Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **settings) as archive:
        for name, content in (FILES if files is None else files).items():
            archive.writestr(name, content)
    return path


def make_zip_link(path: pathlib.Path, name: str, target: str) -> pathlib.Path:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, target)
    return path


def make_gzip(path: pathlib.Path, content: bytes) -> pathlib.Path:
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """Returns all files of a folder by their path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
