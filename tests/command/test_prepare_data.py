"""Tests of `espalier data prepare`."""

import pytest

from source.command.main import main
from tests.command.archive.archives import FILES, contents, make_tar


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA_DIR", raising=False)


def test_an_archive_is_prepared_and_what_happened_is_told(capsys, tmp_path, monkeypatch):
    make_tar(tmp_path / "a.tar")
    assert main(["data", "prepare", "a.tar"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("a.tar: sha256 ") and lines[1:] == ["unpacked 3 files, 305 B", "prepared data/a"]
    assert {name: content for name, content in contents(tmp_path / "data/a").items() if name[0] != "."} == FILES
    assert main(["data", "prepare", "a.tar"]) == 0
    assert capsys.readouterr().out == "data/a: is there already, of the same checksum.\n"
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    assert main(["data", "prepare", "a.tar"]) == 0
    assert main(["data", "prepare", "a.tar", "--to=here", "--limit_gb=0.001", "--limit_files=3"]) == 0
    assert (tmp_path / "elsewhere/a").is_dir() and (tmp_path / "here").is_dir()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["https://a.invalid/b.zip"], "expected the SHA-256 that it is published with: --sha256 HEX."),
        (["a.tar", "--sha256=12"], "--sha256: expected 64 hexadecimal digits. Received: 12."),
        (["a.tar", "--no_checksum", "--sha256=12"], "--sha256 and --no_checksum: expected one of them."),
        (["mnist", "--sha256=12"], "--sha256: that of `mnist` is known. Leave it out."),
        (["a.tar", "--limit_gb=0"], "--limit_gb, --limit_files: expected more than 0."),
        (["a.tar", "--limit_gb=nan"], "--limit_gb, --limit_files: expected more than 0."),
        (["a.tar", "--limit_files=0"], "--limit_gb, --limit_files: expected more than 0."),
        (["a.tar", "--limit_files=2"], "a.tar: holds more than 2 files. See --limit_files."),
        (["b.tar"], "b.tar: there is no such file, and no data set of this name."),
    ],
)
def test_mistakes_are_one_line(capsys, tmp_path, arguments, line):
    make_tar(tmp_path / "a.tar")
    assert main(["data", "prepare", *arguments]) == 2
    printed = capsys.readouterr().err
    assert line in printed and printed.count("\n") == 1
    assert not list(tmp_path.glob("data/*/*"))


def test_there_is_one_thing_to_do_with_data(capsys):
    assert main(["data", "destroy", "a"]) == 2
    assert "invalid choice: 'destroy'" in capsys.readouterr().err
