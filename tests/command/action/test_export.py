"""Tests of the action `export`."""

import json
import pathlib

import pytest

from source.command.action import export
from source.command.main import main
from tests.command.action.conftest import COMPRESSED


def test_files_are_written_verified_and_left_alone_when_nothing_changed(act):
    lines = act("export").splitlines()
    assert lines[-2].split() == ["exporter", "file", "bytes", "differs", "by", "of", "at", "most"]
    file = pathlib.Path("runs/tiny/export/packed/1/model.esp")
    assert lines[-1].split() == ["packed", str(file), f"{file.stat().st_size:,}", "0.00e+00", "0.00e+00"]
    record = json.loads(pathlib.Path("runs/tiny/export/exported.json").read_text())
    assert [(row["exporter"], row["path"]) for row in record] == [("packed", "export/packed/1/model.esp")]
    written = file.stat().st_mtime_ns
    assert act("export") == "Up to date: packed.\n"
    assert file.stat().st_mtime_ns == written


@pytest.mark.slow  # 4 s
def test_other_settings_and_other_weights_are_written_anew(act):
    act("export")
    file = pathlib.Path("runs/tiny/export/packed/1/model.esp")
    size = file.stat().st_size
    assert "packed" in act("exporters.packed.negative_zeros=false", "export").splitlines()[-1]
    assert file.stat().st_size <= size
    pathlib.Path("runs/tiny/checkpoints/checkpoint-00000002.npz").unlink()
    assert "Restored the checkpoint of step 1." in act("export")


def test_half_a_record_counts_for_nothing(act):
    act("export")
    pathlib.Path("runs/tiny/export/exported.json").write_text("[{")
    assert "Up to date" not in act("export")


def test_what_an_exporter_refuses_has_its_place(act):
    error = act("exporters.packed.tolerance=-1", "export", code=2)
    assert "exporters.packed.tolerance" in error or "tolerance" in error


def test_without_a_checkpoint_there_is_nothing_to_export(act):
    assert "There is no checkpoint to export with" in act("id=none", "export", code=2)


@pytest.mark.slow  # 10 s, of the converter
def test_packed_and_litert_are_what_is_written_unless_told_otherwise(act, capsys):
    words = [word for word in COMPRESSED if not word.startswith("exporters")]
    assert main([*words, "id=tiny", "export"]) == 0
    rows = capsys.readouterr().out.splitlines()[-2:]
    assert [row.split()[0] for row in rows] == ["packed", "litert"]
    assert export.SUMMARY
