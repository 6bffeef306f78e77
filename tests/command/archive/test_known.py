"""Tests of the data sets that are known by name."""

import pathlib
import re

import pytest

from source.command.archive.checksum import sha256_of
from source.command.archive.download import check_url, file_name
from source.command.archive.known import KNOWN


def test_every_file_has_an_address_a_size_and_a_checksum():
    files = [file for data in KNOWN.values() for file in data.files]
    assert len({file.sha256 for file in files}) == len({file.url for file in files}) == len(files)
    for file in files:
        check_url(file.url)
        assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.bytes > 1000


def test_data_of_several_files_are_not_unpacked():
    assert all(len(data.files) == 1 for data in KNOWN.values() if data.unpack)
    assert len({data.folder for data in KNOWN.values()}) == len(KNOWN)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_files_that_are_at_hand_have_the_checksums(name, data_folder):
    for file in KNOWN[name].files:
        path = pathlib.Path(data_folder) / name / file_name(file.url)
        if not path.is_file():
            pytest.skip(f"needs {path}")
        assert (path.stat().st_size, sha256_of(path)) == (file.bytes, file.sha256)


@pytest.mark.parametrize("name", KNOWN)
def test_recipes_look_for_the_data_where_they_are_put(name, repository):
    recipe = (repository / "source" / "recipe" / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    assert f"${{data_dir}}/{KNOWN[name].folder}\n" in recipe
