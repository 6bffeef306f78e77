"""SHA-256 of files."""

import hashlib
import pathlib
import re

from source.config.errors import ConfigError, DataError


def sha256_of(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file, 64 hexadecimal digits.

    Args:
        path: of the file.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}.") from error


def as_sha256(text: str) -> str:
    """Returns a checksum in small letters.

    Args:
        text: as a person gave it, perhaps after `sha256:`.

    Raises:
        ConfigError: if it is no SHA-256.
    """
    digits = text.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ConfigError(f"--sha256: expected 64 hexadecimal digits. Received: {text[:80]}.")
    return digits


def check_sha256(path: pathlib.Path, expected: str | None) -> str:
    """Returns the SHA-256 of a file.

    Args:
        path: of the file.
        expected: what it has to be; None takes any.

    Raises:
        DataError: if it is another one.
    """
    found = sha256_of(path)
    if expected is not None and found != expected:
        raise DataError(
            f"{path}: its SHA-256 is {found}, expected {expected}. It is another file, or a damaged one; nothing was "
            "unpacked."
        )
    return found
