import json

import keras
import numpy as np
import pytest

from source.callback import compression
from source.compressor.build import compressor
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from source.layer.load_model import load_model
from tests.callback.fake_run import FakeModeler, FakeRun, drive, through_json


def dense_model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="head")])
    model.layers[0].kernel.assign([[1.0, -8.0], [2.0, 7.0], [-3.0, 6.0], [4.0, -5.0]])
    return model


def pruned_run(folder, max_step=6, begin_step=0, model=None, **settings):
    """Prunes half of 8 weights by step 4, in two goes after the one at the beginning."""
    pruning = compressor("magnitude_pruning", sparsity=0.5, begin_step=begin_step, end_step=4, every_steps=2, power=1)
    modeler = FakeModeler(pruning.prepare(model or dense_model()), compressor=pruning)
    return FakeRun(folder, max_step=max_step, modeler=modeler, **settings)


def build(**settings):
    return compression.build(compression.Config(**settings))


def kept(run):
    [layer] = run.modeler.model.layers[-1:]
    return keras.ops.convert_to_numpy(layer.weight_chains["kernel"][0].kept)


def test_refuses_a_modeler_without_a_compressor(tmp_path):
    message = r"^compression: the modeler has no compressor\. Set `compressor`, or leave this callback out\.$"
    with pytest.raises(ConfigError, match=message):
        build().before_run(FakeRun(tmp_path))


def test_refuses_a_run_without_a_folder_before_anything_is_trained():
    with pytest.raises(ConfigError, match=r"^compression: writes below the folder of the run, and there is none\."):
        build().before_run(pruned_run(None))


def test_refuses_a_schedule_that_begins_after_the_run(tmp_path):
    message = (
        r"^magnitude_pruning: its schedule begins at step 2, but training ends at step 1: nothing would be compressed\."
    )
    with pytest.raises(ConfigError, match=message):
        build().before_run(pruned_run(tmp_path, max_step=1, begin_step=2))


def test_masks_follow_the_steps_that_the_compressor_names(tmp_path):
    run, callback = pruned_run(tmp_path), build()
    callback.before_run(run)
    seen = []
    run.write_requested = lambda: seen.append(int(kept(run).sum()))
    drive(callback, run)
    assert seen == [8, 6, 6, 4, 4, 4]
    np.testing.assert_array_equal(kept(run), [[False, True], [False, True], [False, True], [False, True]])


def test_what_is_due_at_the_beginning_is_done_before_the_first_step(tmp_path):
    run = pruned_run(tmp_path)
    updates = []
    run.modeler.compressor.update = updates.append
    build().before_run(run)
    assert updates == [0]


def test_a_resumed_run_repeats_no_update(tmp_path):
    run, updates = pruned_run(tmp_path, step=4), []
    run.modeler.compressor.update = updates.append
    callback = build()
    callback.before_run(run)
    drive(callback, run)
    assert updates == []


def test_the_model_changes_before_the_callbacks_of_the_step(tmp_path):
    run, callback = pruned_run(tmp_path), build()
    assert callback.schedule.next_due(run.progress) is None
    callback.before_run(run)
    assert callback.schedule.next_due(run.progress) == 2
    run.step = 2
    assert callback.schedule.next_due(run.progress) == 4
    run.step = 4
    assert callback.schedule.next_due(run.progress) is None


def test_nothing_is_due_after_the_last_step(tmp_path):
    run, callback = pruned_run(tmp_path, max_step=3), build()
    callback.before_run(run)
    run.step = 2
    assert callback.schedule.next_due(run.progress) is None


def test_a_finished_run_leaves_the_plain_model_and_the_report(tmp_path):
    run, callback = pruned_run(tmp_path), build()
    callback.before_run(run)
    drive(callback, run)
    callback.after_run(run)
    assert run.said == [
        "compressed: 4 of 10 weights kept (60.00% are zero), 20.000 bits each: 25 bytes of codes, scales and "
        "index, before a file of any kind is written (1.60 times fewer than float32)"
    ]
    report = json.loads((tmp_path / "compression.json").read_text())
    assert report == through_json(run.modeler.compressor.report(run.modeler.model).to_dict())
    assert report["rows"][0]["kept"] == 4
    finished = load_model(tmp_path / "finished.keras")
    assert [type(layer).__name__ for layer in finished.layers] == ["InputLayer", "Dense"]
    np.testing.assert_array_equal(finished.get_layer("head").kernel, [[0, -8], [0, 7], [0, 6], [0, -5]])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compression.json", "finished.keras"]


def test_the_finished_model_can_be_left_out(tmp_path):
    run, callback = pruned_run(tmp_path), build(save_finished=False)
    callback.before_run(run)
    drive(callback, run)
    callback.after_run(run)
    assert [path.name for path in tmp_path.iterdir()] == ["compression.json"]


@pytest.mark.parametrize("how", ["interrupted", "dry"])
def test_an_interrupted_run_and_a_dry_one_leave_nothing(tmp_path, how):
    run, callback = pruned_run(tmp_path, dry_run=how == "dry", begin_step=2, max_step=6 if how != "dry" else 1), build()
    run.interrupted = "SIGTERM" if how == "interrupted" else None
    callback.before_run(run)
    drive(callback, run, to_step=1)
    callback.after_run(run)
    assert (list(tmp_path.iterdir()), run.said) == ([], [])


def test_a_run_that_ends_before_anything_is_pruned_says_that_there_is_no_finished_model(tmp_path):
    run, callback = pruned_run(tmp_path, begin_step=2), build()
    callback.before_run(run)
    drive(callback, run, to_step=1)
    callback.after_run(run)
    assert run.said[1].startswith("There is no finished model. magnitude_pruning: nothing has been pruned yet")
    assert [path.name for path in tmp_path.iterdir()] == ["compression.json"]


def test_is_built_from_the_settings_of_the_room():
    callback = compression.build(CallbackConfig(model_dir="elsewhere"))
    assert (callback.config.save_finished, callback.compresses) == (True, True)
