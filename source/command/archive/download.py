"""Fetches a file over HTTP into a `.part` file, and goes on from there after an interruption."""

import dataclasses
import http.client
import json
import pathlib
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import IO, Any

import source
from source.config.errors import DataError

_AT_ONCE = 1 << 18
_TIMEOUT = 60.0  # seconds without a byte
_TRIES = 5
_PAUSE = 1.0  # seconds before the second try; twice as many before each further one
_SCHEMES = ("http", "https")

Progress = Callable[[int, int | None], None]


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to HTTP and HTTPS, and never from HTTPS to HTTP."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in _SCHEMES or (req.type == "https" and scheme == "http"):
            raise DataError(f"{req.full_url}: leads to {newurl[:200]}, which is not fetched.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclasses.dataclass(frozen=True)
class _Part:
    """What is there of a file: the bytes, and beside them what the server said of it."""

    path: pathlib.Path

    @property
    def notes(self) -> pathlib.Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self, url: str) -> str | None:
        """Returns what tells this version of the file from others; None if the file is that of another address."""
        try:
            noted = json.loads(self.notes.read_text(encoding="utf-8"))
            return str(noted["validator"]) if noted["url"] == url and noted["validator"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, url: str, validator: str | None) -> None:
        self.notes.write_text(json.dumps({"url": url, "validator": validator}) + "\n", encoding="utf-8")


def check_url(url: str) -> None:
    """Refuses addresses that are not fetched.

    Args:
        url: the address.

    Raises:
        DataError: if it is none of HTTP or HTTPS, or has no host.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise DataError(f"{url[:200]}: is no address that can be read.") from None
    if not re.fullmatch(r"[!-~]+", url):
        raise DataError(f"{url[:200]!r}: expected printable ASCII without spaces (write %20).")
    if parts.scheme not in _SCHEMES or not host:
        raise DataError(f"{url[:200]}: expected an address of http or https, or the path of a file.")


def file_name(url: str) -> str:
    """Returns the last part of an address, as a plain file name.

    Args:
        url: the address.
    """
    last = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return re.sub(r"[^\w.-]+", "_", last).strip(".")[-150:] or "download"


def download(
    url: str,
    path: pathlib.Path,
    most: int,
    progress: Progress = lambda done, total: None,
    sure: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Fetches a file; `<path>.part` grows meanwhile and stays after an error, so that another call goes on from it.

    Args:
        url: of HTTP or HTTPS.
        path: of the file; it is not there before.
        most: bytes that are accepted.
        progress: told the bytes that are there, and how many there will be, None where the server does not say.
        sure: go on from what is there even where the server does not say which version it is of: a checksum follows.
        pause: waits some seconds; for tests.

    Raises:
        DataError: if the file cannot be fetched, or is larger than `most`.
    """
    check_url(url)
    part = _Part(path.with_name(f"{path.name}.part"))
    for attempt in range(_TRIES):
        had = part.size
        try:
            _fetch(url, part, most, progress, sure)
            break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 or attempt == _TRIES - 1:
                raise DataError(f"{url}: the server answers {error.code}, {error.reason}.") from None
        except (OSError, http.client.HTTPException) as error:
            if attempt == _TRIES - 1 and part.size == had:
                reason = getattr(error, "reason", None) or error
                raise DataError(
                    f"{url}: cannot be fetched: {reason}. {part.size:,} bytes are there; run it again to go on."
                ) from error
        pause(_PAUSE * 2**attempt)
    else:
        raise DataError(f"{url}: the connection broke {_TRIES} times. {part.size:,} bytes are there; run it again.")
    part.path.replace(path)
    part.notes.unlink(missing_ok=True)


def _fetch(url: str, part: _Part, most: int, progress: Progress, sure: bool) -> None:
    """Fetches what is missing; returns when all of it is there."""
    start, validator = part.size, part.validator(url)
    headers = {"User-Agent": f"espalier/{source.__version__}", "Accept-Encoding": "identity"}
    if start and (validator or sure):
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    try:
        answer = _opener().open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not start:
            raise
        error.close()
        if _total(error.headers) == start:  # all of it is there
            return
        part.path.unlink()
        raise ConnectionError("the server has another version of the file") from None
    with answer:
        goes_on = answer.status == 206 and _begin(answer.headers) == start
        if answer.status == 206 and not goes_on:
            part.path.unlink(missing_ok=True)
            raise ConnectionError("the server sends another part than was asked for")
        part.note(url, _strong(answer.headers))
        start = start if goes_on else 0
        with part.path.open("ab" if goes_on else "wb") as file:
            _copy(answer, file, start, most, progress)


def _copy(answer: Any, file: IO[bytes], start: int, most: int, progress: Progress) -> None:
    length = answer.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    if total is not None and total > most:
        raise DataError(f"{answer.url}: has {total:,} bytes, more than --limit_gb allows ({most:,}).")
    done = start
    progress(done, total)
    while data := answer.read(_AT_ONCE):
        done += len(data)
        if done > most:
            raise DataError(f"{answer.url}: has more bytes than --limit_gb allows ({most:,}).")
        file.write(data)
        progress(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended at byte {done:,} of {total:,}")


def _opener() -> urllib.request.OpenerDirector:
    """Returns what speaks HTTP and HTTPS and nothing else, through the proxies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _strong(headers: Any) -> str | None:
    """Returns the strong ETag, or else the date of the last change."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _begin(headers: Any) -> int | None:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(headers: Any) -> int | None:
    found = re.match(r"bytes \*/(\d+)$", headers.get("Content-Range", ""))
    return int(found[1]) if found else None
