"""Tests of how a report reads."""

import numpy as np

from source.inputter import _report
from source.inputter._faults import BadExample


def test_a_report_reads_like_this():
    shapes = np.array([[8, 8, 3], [8, 10, 1], [9, 10, 3]])
    split = _report.split_report(np.array([0, 1, 1]), shapes, 3)
    bad = (BadExample("a.csv", 4, "no file"), BadExample("b.png", None, "empty"))
    assert str(_report.Report(("ant", "bee", "longer name"), {"train": split}, bad)) == (
        "train: 3 examples\n"
        "  height 8 to 9, width 8 to 10 pixels; channels: 1 with 1, 2 with 3\n"
        "bad: 2 examples\n"
        "  a.csv, row 4: no file\n"
        "  b.png: empty\n"
        "class           train\n"
        "ant                 1\n"
        "bee                 2\n"
        "longer name         0"
    )


def test_a_long_list_of_bad_examples_is_cut():
    bad = tuple(BadExample("a.csv", row, "no file") for row in range(25))
    lines = str(_report.Report((), {}, bad)).splitlines()
    assert lines[0] == "bad: 25 examples" and "  and 5 more" in lines


def test_a_split_without_good_examples_has_no_sizes():
    split = _report.split_report(np.zeros(0, np.int64), np.zeros((0, 3), np.int64), 2)
    assert (split.count, split.heights, split.channels) == (0, None, {})
