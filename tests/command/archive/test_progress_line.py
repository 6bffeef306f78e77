"""Tests of the line on a download."""

import sys

from source.command.archive.progress_line import Line


def test_nothing_is_told_where_there_is_no_terminal(capsys):
    with Line() as line:
        line.progress(1, 2)
        line.say("done")
    assert capsys.readouterr() == ("done\n", "")


def test_a_terminal_sees_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    times = iter([100.0, 101.0, 101.1, 103.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    with Line() as line:
        line.progress(0, 4_000_000)
        line.progress(1_000_000, 4_000_000)
        line.progress(1_100_000, 4_000_000)  # too soon to be told
        line.progress(3_000_000, None)
    told = capsys.readouterr().err.replace("\x1b[K", "").split("\r")[1:]
    assert told[0].startswith("0 B of 4 MB, 0%")
    assert told[1:] == ["1 MB of 4 MB, 25%, 3 s left, 1 MB/s", "3 MB, 1 MB/s\n"]
