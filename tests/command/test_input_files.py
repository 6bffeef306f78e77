"""Tests of what words on the command line name."""

import pytest

from source.command.input_files import input_files
from source.command.parser import UsageError


@pytest.fixture
def pictures(tmp_path):
    for name in ("b.png", "a.JPG", "deep/c.webp", "notes.txt", "odd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(folder, *words):
    return [path.relative_to(folder).as_posix() for path in input_files([str(folder / word) for word in words])]


def test_a_folder_is_all_its_pictures_sorted(pictures):
    assert names(pictures, ".") == ["a.JPG", "b.png", "deep/c.webp"]


def test_a_named_file_is_taken_whatever_it_is_called(pictures):
    assert names(pictures, "odd", "b.png") == ["b.png", "odd"]


def test_patterns_reach_below_and_nothing_is_taken_twice(pictures):
    assert names(pictures, "**/*.webp", "*.png", ".") == ["a.JPG", "b.png", "deep/c.webp"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("c.png", r"c\.png: there is no such file, and no file that this pattern fits\."),
        ("*.gif", r"\*\.gif: there is no such file, and no file that this pattern fits\."),
        ("empty", r"empty: there is no picture in this folder\. Known suffixes: \.bmp, .*\.webp\."),
    ],
)
def test_a_word_that_names_nothing_is_refused(pictures, word, message):
    with pytest.raises(UsageError, match=message):
        names(pictures, word)


def test_pictures_and_arrays_do_not_mix(pictures):
    (pictures / "x.npy").write_bytes(b"")
    assert names(pictures, "x.npy") == ["x.npy"]
    with pytest.raises(UsageError, match=r"either pictures or arrays \(\.npy, \.npz\)\. Received: both\."):
        names(pictures, "x.npy", "b.png")
