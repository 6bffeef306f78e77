"""Tests of how a program's end is told: the exit code, and one line for a mistake."""

import subprocess
import sys

import pytest

from source.command.mistakes import report_mistakes
from source.config.errors import DataError


def raiser(error: BaseException):
    def action() -> int:
        raise error

    return action


def test_an_action_that_ends_well_gives_its_own_code(capsys):
    assert report_mistakes("tool", lambda: 7) == 7
    assert capsys.readouterr() == ("", "")


def test_a_mistake_is_one_line_on_stderr_and_code_2(capsys):
    assert report_mistakes("tool", raiser(DataError("train.csv, row 3:\n  no such file."))) == 2
    assert capsys.readouterr() == ("", "tool: train.csv, row 3: no such file.\n")


def test_interrupting_gives_130(capsys):
    assert report_mistakes("tool", raiser(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ("", "tool: interrupted\n")


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        report_mistakes("tool", raiser(ZeroDivisionError()))


def test_a_reader_that_leaves_early_sees_no_traceback():
    program = (
        "import sys; from source.command.mistakes import report_mistakes;"
        "sys.exit(report_mistakes('tool', lambda: print('line\\n' * 100_000) or 0))"
    )
    pipe = '"$0" -c "$1" | head -1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", pipe, sys.executable, program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("line\n141\n", "")
