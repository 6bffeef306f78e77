"""Tests of the action `latency`."""

import json
import pathlib

from source.command.action import latency


def test_every_file_is_timed_in_turns(act):
    printed = act("export", "timed_runs=2", "latency")
    assert "p50 over that of finished.keras, runs in turns:" in printed
    assert printed.splitlines()[-1] == "wrote runs/tiny/compare/latency.json"
    assert len(json.loads(pathlib.Path("runs/tiny/compare/latency.json").read_text())) == 2
    assert "timed_runs: expected" in act("timed_runs=-1", "latency", code=2)
    assert latency.SUMMARY
