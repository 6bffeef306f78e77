"""Tests of the action `doctor`."""

import importlib.util
import pathlib

from source.command.action import doctor


def test_all_is_well_and_nothing_is_left_behind(act):
    lines = act("id=new", "doctor").splitlines()
    assert [line[:7] for line in lines] == ["ok     "] * 6
    assert lines[0] == "ok     recipe: network lenet5, inputter digits, compressor magnitude_pruning"
    assert lines[1].startswith("ok     folders: runs/new can be written, ")
    assert lines[2] == "ok     exporters: packed"
    assert lines[3] == "ok     data: 1,438 examples to train on, 359 to evaluate on, seen as 16 x 16 x 1"
    assert lines[4].startswith("ok     network: lenet5, ")
    assert lines[5] == "ok     step: one step of training, one batch of evaluation"
    assert not pathlib.Path("runs/new").exists()


def test_what_is_wrong_is_named_and_what_depends_on_it_is_left_out(act, capsys):
    error = act("id=new", "network=lenet6", "doctor", code=2)
    assert error.startswith("espalier: doctor: 6 of 6 checks are not well: recipe, ")


def test_data_that_is_not_there_is_wrong(act, capsys):
    words = ["inputter={name: image_classification_csv_inputter, train_dataset_meta: missing.csv}", "max_steps=1"]
    error = act("id=new", *words, "doctor", code=2)
    assert error == "espalier: doctor: 2 of 6 checks are not well: data, step.\n"


def test_packages_that_are_missing_are_named(act, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "onnx" else find(name, *more))
    error = act("id=new", "exporters={onnx: {}}", "doctor", code=2)
    assert error == "espalier: doctor: 1 of 6 checks are not well: exporters.\n"


def test_a_folder_that_cannot_be_written_is_wrong(act):
    pathlib.Path("file").write_text("")
    error = act("output_dir=file", "doctor", code=2)
    assert error == "espalier: doctor: 2 of 6 checks are not well: folders, step.\n"
    assert doctor.SUMMARY
