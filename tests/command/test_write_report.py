"""Tests of `espalier report`."""

import pytest

from source.command.main import main
from tests.command.record.folders import make_run


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "run")


def test_the_page_is_written(capsys, tmp_path):
    assert main(["report", "run"]) == 0
    assert main(["report", "run", "--output", "page.html"]) == 0
    assert capsys.readouterr().out == "wrote run/report.html\nwrote page.html\n"
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none"], "espalier: none: there is no such folder."),
        (["."], "espalier: .: expected the folder of a run, with run.json or metrics.jsonl in it."),
        (["run", "--output=no/a.html"], "espalier: no/a.html cannot be written: No such file or directory."),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, line):
    assert main(["report", *arguments]) == 2
    assert capsys.readouterr().err == f"{line}\n"
