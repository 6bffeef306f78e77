"""Tests of the action `plot`."""

import pathlib

from source.command.action import plot


def test_curves_and_weights_are_drawn(act):
    lines = [line for line in act("plot").splitlines() if line.startswith("wrote ")]
    assert len(lines) == 2 and all(line.endswith("pictures into runs/tiny/plots") for line in lines)
    assert list(pathlib.Path("runs/tiny/plots").glob("*.png"))


def test_without_a_run_there_is_nothing_to_draw(act):
    assert "runs/none: there is nothing to draw yet. Train first." in act("id=none", "plot", code=2)
    assert plot.SUMMARY
