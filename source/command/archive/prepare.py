"""Prepares data: fetches or takes archives, checks them, and unpacks them aside before they get their name."""

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
import urllib.parse
from collections.abc import Callable
from typing import Any

from source.command.archive.checksum import check_sha256
from source.command.archive.download import Progress, check_url, download, file_name
from source.command.archive.known import KNOWN, KnownData
from source.command.archive.limits import Limits
from source.command.archive.unpack import FORMATS, unpack
from source.config.errors import DataError
from source.config.nearest import did_you_mean
from source.exporter.page.sizes import size_text

_RECORD = ".prepared.json"  # hidden, so that no inputter takes it for data

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class _Item:
    """One file to prepare: where it comes from, and its checksum if it is known."""

    origin: str
    sha256: str | None


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be prepared.

    Attributes:
        source: the name of a data set that is known, an address, or the path of an archive.
        folder: where to; None takes one in `data_folder`, named as the data set or the archive.
        data_folder: the folder of all data.
        sha256: of the archive; None where it is not known.
        checked: whether an archive from an address needs a checksum.
        limits: of what may come out, and be fetched.
    """

    source: str
    folder: pathlib.Path | None
    data_folder: pathlib.Path
    sha256: str | None = None
    checked: bool = True
    limits: Limits = dataclasses.field(default_factory=Limits)


def prepare(order: Order, say: Say = print, progress: Progress = lambda done, total: None) -> pathlib.Path:
    """Returns the folder, which has all of the data in it or is not there.

    Args:
        order: what is to be prepared.
        say: told what happens, a line each.
        progress: told how far the download is.

    Raises:
        DataError: for a source that is none, data that cannot be fetched, checked or unpacked, and a folder with other
            things in it.
    """
    known = None if pathlib.Path(order.source).is_file() else KNOWN.get(order.source)
    items = [_Item(each.url, each.sha256) for each in known.files] if known else [_single(order)]
    folder = order.folder or order.data_folder / (known.folder if known else _stem(items[0].origin))
    if _is_prepared(folder, items):
        say(f"{folder}: is there already, of the same checksum.")
        return folder
    aside = folder.with_name(f"{folder.name}.part")
    try:
        aside.mkdir(parents=True, exist_ok=True)
        files = [_fetched(item, aside, order.limits, say, progress) for item in items]
        sums = [_checked(path, item, say) for path, item in zip(files, items, strict=True)]
        made = pathlib.Path(tempfile.mkdtemp(dir=aside, prefix="unpacked-"))
        try:
            whole = _filled(made, files, known, folder.name, order.limits, say)
            _note(whole, items, sums)
            whole.chmod(0o755)
            whole.rename(folder)  # fails where something has come to be meanwhile
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be prepared: {error.strerror or error}.") from error
    shutil.rmtree(aside, ignore_errors=True)
    say(f"prepared {folder}")
    return folder


def _single(order: Order) -> _Item:
    """Returns the one file of an address or a path."""
    origin = order.source
    if origin.startswith("file://"):
        origin = urllib.parse.unquote(origin.removeprefix("file://"))
    if "://" in origin:
        check_url(origin)
        if order.checked and order.sha256 is None:
            raise DataError(
                f"{origin[:200]}: expected the SHA-256 that it is published with: --sha256 HEX. Without one, say "
                "--no_checksum; the checksum of what came is printed."
            )
        return _Item(origin, order.sha256)
    path = pathlib.Path(origin)
    if path.is_file():
        return _Item(origin, order.sha256)
    if path.is_dir():
        raise DataError(f"{origin}: expected an archive ({', '.join(FORMATS)}). Received a folder.")
    raise DataError(f"{origin}: there is no such file, and no data set of this name. {did_you_mean(origin, KNOWN)}")


def _stem(origin: str) -> str:
    """Returns the name of an archive without what says its kind."""
    name = file_name(origin) if "://" in origin else pathlib.Path(origin).name
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _is_prepared(folder: pathlib.Path, items: list[_Item]) -> bool:
    """Whether the folder holds what was asked for; raises if it holds something else."""
    if folder.name in ("", ".."):
        raise DataError(f"{folder}: expected the name of a new folder. Received a place that is there.")
    if not folder.exists() and not folder.is_symlink():
        return False
    if not folder.is_dir():
        raise DataError(f"{folder}: is there already, and no folder. Name another: --to FOLDER.")
    if not any(folder.iterdir()):
        return False
    wanted = [
        item.sha256 or (check_sha256(pathlib.Path(item.origin), None) if _is_file(item) else None) for item in items
    ]
    if None not in wanted and [each.get("sha256") for each in _noted(folder)] == wanted:
        return True
    raise DataError(
        f"{folder}: is there already, and nothing is written over it. Remove it, or name another: --to FOLDER."
    )


def _is_file(item: _Item) -> bool:
    return "://" not in item.origin


def _noted(folder: pathlib.Path) -> list[dict[str, Any]]:
    try:
        files = json.loads((folder / _RECORD).read_text(encoding="utf-8"))["files"]
        return [each for each in files if isinstance(each, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _fetched(item: _Item, aside: pathlib.Path, limits: Limits, say: Say, progress: Progress) -> pathlib.Path:
    """Returns the file, fetched if it is not here."""
    if _is_file(item):
        return pathlib.Path(item.origin)
    path = aside / file_name(item.origin)
    if not path.is_file():
        say(f"fetching {item.origin}")
        download(item.origin, path, limits.bytes, progress, sure=item.sha256 is not None)
    return path


def _checked(path: pathlib.Path, item: _Item, say: Say) -> str:
    """Returns the checksum of a file; one that was fetched and is not what it should be is removed."""
    try:
        found = check_sha256(path, item.sha256)
    except DataError:
        if not _is_file(item):
            path.unlink(missing_ok=True)
        raise
    say(f"{path.name}: sha256 {found}{', as expected' if item.sha256 else ''}, {size_text(path.stat().st_size)}")
    return found


def _filled(
    made: pathlib.Path, files: list[pathlib.Path], known: KnownData | None, name: str, limits: Limits, say: Say
) -> pathlib.Path:
    """Puts the data into a folder and returns it, or the only one in it if that is called as what is wanted."""
    if known and not known.unpack:
        for file in files:
            shutil.copyfile(file, made / file.name)
        return made
    out = unpack(files[0], made, limits)
    say(f"unpacked {out.files:,} files, {size_text(out.bytes)}")
    return made / name if os.listdir(made) == [name] and (made / name).is_dir() else made


def _note(made: pathlib.Path, items: list[_Item], sums: list[str]) -> None:
    if (made / _RECORD).exists():
        raise DataError(f"the archive holds a file {_RECORD}, a name that is taken here.")
    files = [{"origin": item.origin, "sha256": found} for item, found in zip(items, sums, strict=True)]
    (made / _RECORD).write_text(json.dumps({"files": files}, indent=2) + "\n", encoding="utf-8")
