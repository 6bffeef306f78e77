import json
import math

import pytest

from source.callback import best_checkpoint
from source.config.config import CallbackConfig
from source.config.errors import CheckpointError, ConfigError
from tests.callback.fake_run import FakeRun, drive

VALUES = {1: 0.5, 2: 0.7, 3: 0.6, 4: 0.7, 5: 0.9, 6: 0.1}


def build(**settings):
    return best_checkpoint.build(best_checkpoint.Config(**settings))


def accuracy(step):
    return {"accuracy": VALUES[step]}


def kept(folder):
    return sorted(path.name for path in (folder / "checkpoints/best").glob("*.ckpt"))


def ledger(folder):
    content = json.loads((folder / "checkpoints/best/best.json").read_text())
    return [entry["step"] for entry in content["kept"]]


def new_run(folder, **fields):
    return FakeRun(folder, **{"steps_per_epoch": 1, "max_step": 6, **fields})


def train(callback, run, **options):
    callback.before_run(run)
    drive(callback, run, evaluate=accuracy, **options)
    callback.after_run(run)


def test_keeps_the_best(tmp_path):
    train(build(), new_run(tmp_path))
    assert kept(tmp_path) == ["step_5.ckpt"]
    assert ledger(tmp_path) == [5]


def test_keeps_several_and_the_older_of_equals_first(tmp_path):
    train(build(keep_best=3), new_run(tmp_path))
    assert kept(tmp_path) == ["step_2.ckpt", "step_4.ckpt", "step_5.ckpt"]
    assert ledger(tmp_path) == [5, 2, 4]


def test_keeps_the_older_of_equals(tmp_path):
    train(build(), new_run(tmp_path, max_step=4))
    assert kept(tmp_path) == ["step_2.ckpt"]


def test_low_can_be_best(tmp_path):
    train(build(goal="min"), new_run(tmp_path))
    assert kept(tmp_path) == ["step_6.ckpt"]


def test_what_is_no_number_is_not_kept(tmp_path):
    run = new_run(tmp_path)
    callback = build()
    callback.before_run(run)
    callback.after_evaluate(run, {"accuracy": math.nan})
    assert run.requested == []


def test_asks_for_checkpoints_that_nothing_else_deletes(tmp_path):
    run = new_run(tmp_path, step=7)
    callback = build()
    callback.before_run(run)
    callback.after_evaluate(run, {"accuracy": 0.5})
    assert run.requested == [("checkpoints/best", 7, None)]


MOMENTS = ("before writing", "before deleting", "before forgetting", "later")
# A run resumes from what it did; the checkpoint it resumes from is written after the best one of that step.
KILLS = [
    (killed_at, resumed_at, moment)
    for killed_at in (1, 2, 3, 4, 5)
    for resumed_at in (0, 1, 2, 4)
    for moment in MOMENTS
    if resumed_at < killed_at or (resumed_at == killed_at and moment != "before writing")
]


@pytest.mark.parametrize("keep_best", [1, 2, 3])
@pytest.mark.parametrize(("killed_at", "resumed_at", "moment"), KILLS)
def test_a_kill_at_any_moment_ends_with_the_same_checkpoints(tmp_path, keep_best, killed_at, resumed_at, moment):
    undisturbed = tmp_path / "undisturbed"
    train(build(keep_best=keep_best), new_run(undisturbed))

    folder, callback = tmp_path / "killed", build(keep_best=keep_best)
    run = new_run(folder)
    callback.before_run(run)
    drive(callback, run, to_step=killed_at - 1, evaluate=accuracy)
    callback.before_step(run)
    run.step = killed_at
    callback.after_evaluate(run, accuracy(killed_at))
    if moment != "before writing":
        run.write_requested()
    if moment == "before forgetting":
        for entry in callback._entries[keep_best:]:
            (folder / "checkpoints/best" / entry.file).unlink()
    if moment == "later":
        callback.before_step(run)

    train(build(keep_best=keep_best), new_run(folder, step=resumed_at))
    assert kept(folder) == kept(undisturbed)
    assert ledger(folder) == ledger(undisturbed)


def test_says_what_is_best_so_far_when_it_goes_on(tmp_path):
    train(build(), new_run(tmp_path))
    run = new_run(tmp_path, step=6)
    build().before_run(run)
    assert run.said == ["Best so far: accuracy 0.9 at step 5."]


def test_nothing_is_deleted_when_nothing_is_saved(tmp_path):
    """A dry run asks for checkpoints that are never written."""
    run, callback = new_run(tmp_path), build()
    run.write_requested = lambda: None
    train(callback, run)
    assert kept(tmp_path) == []
    again = new_run(tmp_path)
    build().before_run(again)
    assert again.said == []


def test_refuses_a_folder_that_was_kept_by_another_metric(tmp_path):
    train(build(), new_run(tmp_path))
    message = (
        r"^best_checkpoint\.metric: the checkpoints in .*best were kept by `accuracy`, which says "
        r"nothing about the best `loss`\. Set it back, or move that folder away\.$"
    )
    with pytest.raises(ConfigError, match=message):
        build(metric="loss").before_run(new_run(tmp_path))


@pytest.mark.parametrize("text", ["{", "{}", '{"metric": "accuracy", "kept": [{}]}', "[]"])
def test_refuses_a_ledger_that_cannot_be_read(tmp_path, text):
    (tmp_path / "checkpoints/best").mkdir(parents=True)
    (tmp_path / "checkpoints/best/best.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"best\.json: cannot be read \(.*\)\. Remove it to begin anew\.$"):
        build().before_run(new_run(tmp_path))


def test_refuses_to_keep_none():
    message = r"^Config: `keep_best` must be at least 1\. Received: keep_best=0\.$"
    with pytest.raises(ConfigError, match=message):
        build(keep_best=0)


def test_refuses_a_metric_of_unknown_goal():
    message = r"^Config: `goal` must be 'max' or 'min', because the name of the metric `speed` does not tell\."
    with pytest.raises(ConfigError, match=message):
        build(metric="speed")


def test_refuses_a_run_without_folder():
    with pytest.raises(ConfigError, match=r"^best_checkpoint: writes below .* Set `model_dir`\.$"):
        best_checkpoint.build(CallbackConfig()).before_run(FakeRun(None))
