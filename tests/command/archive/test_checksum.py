"""Tests of checksums."""

import pytest

from source.command.archive.checksum import as_sha256, check_sha256, sha256_of
from source.config.errors import ConfigError, DataError

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def test_the_checksum_is_that_of_the_standard(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == check_sha256(tmp_path / "a", None) == check_sha256(tmp_path / "a", ABC) == ABC


def test_another_checksum_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"abd")
    with pytest.raises(DataError, match=rf"its SHA-256 is a52d\w+, expected {ABC}\. It is another file"):
        check_sha256(tmp_path / "a", ABC)
    with pytest.raises(DataError, match="none: No such file or directory"):
        sha256_of(tmp_path / "none")


def test_checksums_are_read_as_people_write_them():
    assert as_sha256(f" sha256:{ABC.upper()} ") == ABC
    for text in ("", "abc", ABC + "0", "g" * 64):
        with pytest.raises(ConfigError, match="--sha256: expected 64 hexadecimal digits"):
            as_sha256(text)
