"""Tests of the action `info`."""

import json
import pathlib

import pytest

from source.command.action import info
from source.command.main import main


def test_the_network_is_counted_without_a_run_and_without_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["network=lenet5", "inputter={name: image_classification_csv_inputter, train_dataset_meta: missing.csv}"]
    assert main([*words, "image_height=28", "image_width=28", "image_depth=1", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "lenet5, of the network as it begins"
    assert lines[1].split() == ["layer", "kind", "output", "parameters", "MACs", "bits", "density", "bytes"]
    assert " ".join(lines[2].split()) == "conv1 Conv2D 24 x 24 x 20 520 288,000 32 100.00% 2,080"
    assert lines[10].split() == ["all", "431,080", "2,293,000", "100.00%", "1,724,320"]
    assert "conv1/kernel   5 x 5 x 1 x 20       500" in lines
    assert lines[-1].split() == ["all", "431,080"]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow  # 3 s
def test_dense_cifarnet_has_its_published_multiplications(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = ["inputter=image_classification_syn_inputter", "image_height=32", "image_width=32", "image_depth=3"]
    assert main(["network=cifarnet", *settings, "info"]) == 0
    total = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("all "))
    assert total[2] == "174,301,824"


def test_a_compressed_run_is_shown_as_it_is_finished(act):
    printed = act("info")
    lines = printed.splitlines()
    assert lines[:2] == ["Restored the checkpoint of step 2.", "lenet5, of step 2"]
    kernel = next(line for line in lines if line.startswith("dense1 "))
    assert "50.00%" in kernel
    assert any(line.startswith("all weights") for line in lines)  # of the compressor's report
    assert lines[-1] == "wrote runs/tiny/info.json"
    found = json.loads(pathlib.Path("runs/tiny/info.json").read_text())
    assert found["what"] == "of step 2" and found["totals"]["sparsity"] == pytest.approx(0.5, abs=1e-3)  # to a weight
    assert found["compression"]["totals"]["kept"] < found["compression"]["totals"]["numbers"]


def test_pretrained_weights_are_those_before_compression(act):
    printed = act("id=new", "pretrained_model=runs/plain/checkpoints/checkpoint-00000002.npz", "info")
    assert "lenet5, of the pretrained weights" in printed.splitlines()
    assert "all weights" not in printed


def test_after_evaluation_the_same_application_is_looked_at(act):
    printed = act("evaluate", "info")
    assert printed.count("Restored the checkpoint of step 2.") == 2
    assert "lenet5, of step 2" in printed


def test_a_callback_of_compression_does_not_matter_without_it(act):
    assert "lenet5, of the network as it begins" in act("id=new", "callbacks.compression={}", "info")
    assert "lenet5, of the network as it begins" in act("id=new", "callbacks=[train_basic, compression]", "info")
    assert info.SUMMARY
