"""How much may be fetched, and come out of an archive."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much may be fetched, and come out of an archive.

    Attributes:
        bytes: of the archive, and of all files in it.
        files: files and folders in it.
    """

    bytes: int = 20 * 10**9
    files: int = 1_000_000
