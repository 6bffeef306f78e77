"""How small a file becomes when it is zipped."""

import os
import pathlib
import zlib

_CHUNK = 1 << 20


def zipped_bytes(path: str | os.PathLike[str]) -> int:
    """Returns the bytes of a file after deflate at its highest level; of all files in a folder.

    Args:
        path: a file or a folder.
    """
    place = pathlib.Path(path)
    files = [place] if place.is_file() else sorted(each for each in place.rglob("*") if each.is_file())
    return sum(map(_deflated, files))


def _deflated(path: pathlib.Path) -> int:
    # Without the header of zlib: what an archive stores.
    packer, size = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(packer.compress(chunk))
    return size + len(packer.flush())
