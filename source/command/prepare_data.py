"""`espalier data prepare SOURCE`: a data set by its name, or an archive by address or path, checked and unpacked.

Archives are .zip, .tar, .tar.gz, .tar.xz and .gz. An archive from an address needs the SHA-256 that it is published
with. The folder gets its name when all is in it; nothing is written over what is there.
"""

import argparse
import os
import pathlib

from source.command.archive.checksum import as_sha256
from source.command.archive.known import KNOWN
from source.command.archive.limits import Limits
from source.command.archive.prepare import Order, prepare
from source.command.archive.progress_line import Line
from source.command.parser import Parser, UsageError

SUMMARY = "fetch, check and unpack data"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier data`.

    Args:
        parser: the parser of this command.
    """
    limits = Limits()
    parser.add_argument("verb", metavar="prepare", choices=("prepare",), help="the one thing that is done with data")
    parser.add_argument("source", metavar="SOURCE", help=f"{', '.join(KNOWN)}; an http(s) address; or a file")
    parser.add_argument("--sha256", metavar="HEX", help="of the archive; needed for an address")
    parser.add_argument("--no_checksum", action="store_true", help="take what comes from an address, unchecked")
    parser.add_argument(
        "--to", metavar="FOLDER", help="default: named as the data or the archive, in the variable DATA_DIR, or data"
    )
    parser.add_argument(
        "--limit_gb",
        type=float,
        default=limits.bytes / 10**9,
        help="of what is fetched, and of what is unpacked; default: 20",
    )
    parser.add_argument("--limit_files", type=int, default=limits.files, help="in an archive; default: 1000000")


def run(arguments: argparse.Namespace) -> int:
    """Prepares the data, says what happens, and returns the exit code 0.

    Args:
        arguments: `verb`, `source`, `sha256`, `no_checksum`, `to`, `limit_gb`, `limit_files`.

    Raises:
        UsageError: for limits that cannot be, and options that do not go together.
        ConfigError: for a checksum that is none.
        DataError: for data that cannot be fetched, checked or unpacked.
    """
    if not 0 < arguments.limit_gb < 1e9 or arguments.limit_files < 1:
        raise UsageError("--limit_gb, --limit_files: expected more than 0.")
    if arguments.sha256 and arguments.no_checksum:
        raise UsageError("--sha256 and --no_checksum: expected one of them.")
    if arguments.sha256 and arguments.source in KNOWN and not pathlib.Path(arguments.source).is_file():
        raise UsageError(f"--sha256: that of `{arguments.source}` is known. Leave it out.")
    order = Order(
        source=arguments.source,
        folder=pathlib.Path(arguments.to) if arguments.to else None,
        data_folder=pathlib.Path(os.environ.get("DATA_DIR") or "data"),
        sha256=as_sha256(arguments.sha256) if arguments.sha256 else None,
        checked=not arguments.no_checksum,
        limits=Limits(bytes=int(arguments.limit_gb * 10**9), files=arguments.limit_files),
    )
    with Line() as line:
        prepare(order, say=line.say, progress=line.progress)
    return 0
