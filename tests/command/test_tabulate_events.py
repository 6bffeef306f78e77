"""Tests of `espalier events`."""

import pytest

from source.command.main import main
from tests.command.record.events import scalar, write


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "run", scalar(1, "loss", 0.5), scalar(2, "loss", 0.1))
    write(tmp_path / "run" / "eval", scalar(2, "accuracy", 0.75))


def test_the_table_is_printed_as_markdown(capsys):
    assert main(["events", "run"]) == 0
    lines = ["| step | eval:accuracy | run:loss |", "| ---: | ------------: | -------: |"]
    lines += ["|    1 |               |      0.5 |", "|    2 |          0.75 |      0.1 |"]
    assert capsys.readouterr().out == "\n".join(lines) + "\n"


def test_the_table_is_written_as_csv_and_markdown(capsys, tmp_path):
    written = ["--output=a.csv", "--output", "a.md"]
    assert main(["events", "run", "--newest_first", "--tags=loss, acc*", *written]) == 0
    assert capsys.readouterr().out == "wrote a.csv\nwrote a.md\n"
    assert (tmp_path / "a.csv").read_text() == "step,eval:accuracy,run:loss\n2,0.75,0.1\n1,,0.5\n"
    assert (tmp_path / "a.md").read_text().startswith("| step |")


def test_rows_are_chosen_by_step(capsys):
    assert main(["events", "run", "--steps=2", "--tags=loss"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["|    2 |      0.1 |"]


def test_a_damaged_file_is_reported_and_the_rest_is_shown(capsys, tmp_path):
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["events", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].split("|")[1].strip() == "1"
    assert printed.err.startswith(f"espalier: {path}: the file ends within the record at byte ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "nowhere: there is no such file or folder."),
        (["run", "--tags=los"], "no scalar matches `los`. Did you mean `loss`"),
        (["run", "--steps=two"], "--steps: expected numbers of steps such as 100,200. Received: two."),
        (["run", "--steps=7"], "no scalar has a point at step 7."),
        (["run", "--output=a.txt"], "--output: expected a file that ends in .csv or .md. Received: a.txt."),
        (["run", "--output=none/a.md"], "--output: none/a.md cannot be written: No such file or directory."),
        (["empty"], "empty: there are event files, but no scalars in them."),
    ],
)
def test_mistakes_are_one_line(capsys, tmp_path, arguments, line):
    write(tmp_path / "empty")
    assert main(["events", *arguments]) == 2
    printed = capsys.readouterr().err
    assert line in printed and printed.count("\n") == 1
