"""Tests of a run in one line."""

import os
import pathlib
import socket

import pytest

from source.command.record.run_folder import read_run
from source.command.record.run_summary import best_of, finite, results, smaller_is_better, summarize
from tests.command.record.folders import EVALUATED, make_run, record


def summary(folder: pathlib.Path, metric=None, **given):
    return summarize(read_run(make_run(folder / "run", **given)), metric)


def test_a_run_says_what_it_is_and_what_came_out(tmp_path):
    found = summary(tmp_path, compression={})
    assert (found.id, found.network, found.data, found.compressor) == ("run", "lenet5", "mnist", "")
    assert (found.state, found.step, found.max_step, found.state_text) == ("finished", 10, 10, "finished")
    assert (found.metric, found.kind, found.best, found.last) == ("accuracy", "evaluate", 0.625, 0.5)
    assert found.path == str(tmp_path / "run")


def test_a_metric_can_be_named(tmp_path):
    found = summary(tmp_path, metric="loss")
    assert (found.metric, found.best, found.last) == ("loss", 1.5, 1.75)
    assert summarize(read_run(tmp_path / "run"), "none").metric == ""


def test_without_evaluations_training_is_told():
    assert results(EVALUATED[:1]) == ("train", "accuracy", [0.4])
    assert results([{"kind": "evaluate", "step": 1, "top_5": 0.5}]) == ("evaluate", "top_5", [0.5])
    assert results([]) == results([{"step": 3}]) == ("", "", [])


def test_what_is_no_finite_number_is_no_result():
    assert [finite(value) for value in (1, 0.5, True, None, "x", float("nan"), float("inf"))] == [1, 0.5, *[None] * 5]
    assert best_of("accuracy", []) is None
    assert best_of("accuracy", [0.5, 0.75]) == 0.75
    assert best_of("loss/total", [0.5, 0.75]) == 0.5
    assert smaller_is_better("top_1_error") and not smaller_is_better("accuracy")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (record(compressor="magnitude_pruning"), "magnitude_pruning"),
        (record(compressor="chain", compressor_options={"members": '[{"name":"a"},{"name":"b"}]'}), "chain(a, b)"),
        (record(compressor="chain", compressor_options={"members": [{"name": "a"}, 3]}), "chain(a)"),
        (record(compressor="chain", compressor_options={"members": "[{"}), "chain"),
        (record(compressor="chain", compressor_options={"members": "3"}), "chain"),
        (record(), ""),
        ({"modeler": 3}, ""),
    ],
)
def test_a_chain_of_compressors_names_its_members(tmp_path, settings, words):
    assert summary(tmp_path, settings=settings).compressor == words


def test_a_recipe_says_what_the_record_does_not(tmp_path):
    folder = make_run(tmp_path / "run", records=[], settings={})
    (folder / "recipe.yaml").write_text(
        "name: mine\nnetwork: resnet20\ncompressor: {name: chain, members: [{name: a}]}\n"
        "inputter: {name: image_classification_csv_inputter}\n"
    )
    found = summarize(read_run(folder))
    assert (found.name, found.network, found.compressor, found.data) == ("mine", "resnet20", "chain(a)", "csv")


def test_a_network_written_in_a_recipe_is_called_as_the_recipe(tmp_path):
    folder = make_run(tmp_path / "run")
    for recipe, network in (
        ("{name: mine, network: {name: yaml_graph}}", "mine"),
        ("{network: yaml_graph}", "yaml_graph"),
    ):
        (folder / "recipe.yaml").write_text(recipe)
        assert summarize(read_run(folder)).network == network


def test_data_without_a_file_are_named_by_their_inputter(tmp_path):
    settings = record()
    settings["inputter"]["config"]["train_dataset_meta"] = []
    assert summary(tmp_path, settings=settings).data == "array"
    settings["inputter"]["config"]["train_dataset_meta"] = "train.csv"
    assert summary(tmp_path / "other", settings=settings).data == "train.csv"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"records": []}, "begun"),
        ({"settings": record(epochs=4.0)}, "stopped at step 10 of 40"),
        ({"settings": {}}, "stopped at step 10"),
        ({"settings": record(epochs=4.0), "outcome": {"state": "finished", "step": 12}}, "finished"),
        ({"outcome": {"state": "failed", "step": 12, "max_step": 1500}}, "failed at step 12 of 1,500"),
        ({"outcome": {"state": "stopped", "max_step": 20}}, "stopped at step 10 of 20"),
        ({"outcome": {"state": "running", "max_step": 20}}, "running at step 10 of 20"),
        ({"outcome": {"state": "running", "max_step": 20, "process": {"host": "h", "pid": 1}}}, "running at step 10"),
        ({"outcome": {"state": ["odd"], "step": "x"}}, "finished"),
    ],
)
def test_the_state_is_told_as_far_as_it_is_known(tmp_path, given, text):
    assert summary(tmp_path, **given).state_text.startswith(text)


def test_a_run_whose_process_is_gone_has_stopped(tmp_path):
    here = {"host": socket.gethostname(), "pid": os.getpid()}
    assert summary(tmp_path / "a", outcome={"state": "running", "process": here}).state == "running"
    gone = {**here, "pid": 2**22 + 1}  # above the largest number that Linux gives
    assert summary(tmp_path / "b", outcome={"state": "running", "process": gone}).state == "stopped"
    assert summary(tmp_path / "c", outcome={"state": "running", "process": {**here, "pid": 2**80}}).state == "running"
    folder = make_run(tmp_path / "d", outcome={"state": "running", "process": {"host": "elsewhere", "pid": 1}})
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    assert summarize(read_run(folder)).state == "stopped"


def test_a_finished_model_ends_a_run(tmp_path):
    folder = make_run(tmp_path / "run", settings=record(epochs=4.0))
    (folder / "finished.keras").write_bytes(b"")
    assert summarize(read_run(folder)).state == "finished"
