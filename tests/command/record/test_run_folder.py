"""Tests of finding and reading the folders of runs."""

import os

import pytest

from source.command.record.run_folder import find_runs, is_run, mapping, read_run
from tests.command.record.folders import EVALUATED, make_run, record


def test_runs_are_found_below_a_folder_and_in_each_other(tmp_path):
    for name in ("b", "a/first", "a/first/small", "a/first/checkpoints/no", ".hidden/no"):
        make_run(tmp_path / name)
    (tmp_path / "half" / "checkpoints").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    ids = [run_id for run_id, _ in find_runs(tmp_path)]
    assert ids == ["a/first", "a/first/small", "b", "half"]
    assert find_runs(tmp_path / "a" / "first")[0] == ("first", tmp_path / "a" / "first")
    assert not is_run(tmp_path / "notes")


def test_a_whole_run_is_read(tmp_path):
    folder = make_run(tmp_path / "run", outcome={"state": "finished"}, compression={"rows": []})
    (folder / "recipe.yaml").write_text("name: first\nnetwork: {name: lenet5}\n")
    (folder / "checkpoints").mkdir()
    for name in ("checkpoint-00000007.npz", "checkpoint-00000010.npz", "checkpoint-x.npz", "other"):
        (folder / "checkpoints" / name).write_bytes(b"12345")
    os.utime(folder / "checkpoints" / "other", (4e9, 4e9))
    run = read_run(folder)
    assert run.id == "run" and run.settings == record() and run.records == EVALUATED
    assert run.recipe == {"name": "first", "network": {"name": "lenet5"}}
    assert (run.outcome, run.compression, run.checkpoint_step) == ({"state": "finished"}, {"rows": []}, 10)
    assert run.part("modeler") == {"network": "lenet5"} and run.part("nothing") == {}
    assert run.bytes == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert (run.changed, run.faults) == (4e9, ())


def test_an_empty_folder_is_read_as_nothing(tmp_path):
    run = read_run(tmp_path, "x")
    assert (run.settings, run.recipe, run.records, run.bytes, run.checkpoint_step) == ({}, {}, [], 0, 0)
    assert run.faults == () and run.changed == tmp_path.stat().st_mtime
    assert read_run(tmp_path / "gone").records == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("run.json", b'{"modeler": ', "run.json: is damaged: Expecting value"),
        ("run.json", b"[1]", "run.json: expected a mapping. Received: list."),
        ("run.json", b"\xff\xfe", "run.json: cannot be read: 'utf-8' codec"),
        ("run.json", b"[" * 100_000, "run.json: is damaged: "),
        ("recipe.yaml", b"a: [1", "recipe.yaml: is damaged: while parsing"),
        ("recipe.yaml", b"!!python/object/apply:os.getcwd []", "recipe.yaml: is damaged: could not determine"),
        ("metrics.jsonl", b'{"step": 1}\n{"step', "metrics.jsonl, line 2: is no record of metrics."),
        ("metrics.jsonl", b'{"step": 1}\n[2]\n', "metrics.jsonl, line 2: is no record of metrics."),
        ("metrics.jsonl", b'{"step": 1}\n{"step": "x"}\n', "metrics.jsonl, line 2: is no record of metrics."),
    ],
)
def test_what_is_damaged_is_told_and_left_out(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    run = read_run(tmp_path)
    [found] = run.faults
    assert found.startswith(f"{tmp_path / name}"[:-5]) and fault in found
    assert run.settings == {} and run.recipe == {}
    assert run.records == ([{"step": 1}] if name == "metrics.jsonl" else [])


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path):
    (tmp_path / "run.json").mkdir()
    (tmp_path / "metrics.jsonl").mkdir()
    assert ["cannot be read" in fault for fault in read_run(tmp_path).faults] == [True, True]


def test_only_a_mapping_is_a_mapping():
    assert mapping({"a": 1}) == {"a": 1}
    assert mapping([1]) == mapping(None) == {}
