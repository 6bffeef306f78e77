from source.callback import train_basic
from source.config.config import CallbackConfig
from tests.callback.fake_run import FakeRun, drive


def build(**settings):
    return train_basic.build(CallbackConfig(**settings))


def test_goes_on_from_the_newest_checkpoint_and_says_so(tmp_path):
    run = FakeRun(tmp_path, checkpoint=1200)
    build(pretrained_model="weights.h5").before_run(run)
    assert run.step == 1200
    assert run.said == ["Resumed from the checkpoint of step 1,200."]
    assert run.modeler.restored == []


def test_takes_the_pretrained_weights_when_there_is_no_checkpoint_and_says_the_report(tmp_path):
    run = FakeRun(tmp_path)
    build(pretrained_model="weights.h5", skip_pretrained_var="logits,head").before_run(run)
    assert run.modeler.restored == [("weights.h5", ("logits", "head"))]
    assert run.said == ["weights.h5: 3 weights loaded"]


def test_begins_anew_in_silence_when_there_is_nothing_to_restore(tmp_path):
    run = FakeRun(tmp_path)
    build().before_run(run)
    assert (run.said, run.step, run.requested) == ([], 0, [])


def test_saves_every_so_many_steps_and_at_the_end(tmp_path):
    run = FakeRun(tmp_path, max_step=25)
    saved = []
    run.write_requested = lambda: (saved.extend(run.requested), run.requested.clear())
    callback = build(save_checkpoints_steps=10, keep_checkpoint_max=3)
    assert drive(callback, run) == {}
    callback.after_run(run)
    run.write_requested()
    assert saved == [("checkpoints", 10, 3), ("checkpoints", 20, 3), ("checkpoints", 25, 3)]


def test_saves_the_step_at_which_a_run_was_stopped(tmp_path):
    run = FakeRun(tmp_path, max_step=25)
    callback = build(save_checkpoints_steps=10)
    drive(callback, run, to_step=13)
    run.interrupted = "SIGTERM"
    callback.after_run(run)
    assert run.requested == [("checkpoints", 13, 1)]


def test_does_not_save_again_what_it_just_restored(tmp_path):
    run = FakeRun(tmp_path, max_step=25, checkpoint=25)
    callback = build()
    callback.before_run(run)
    callback.after_run(run)
    assert run.requested == []


def test_does_not_save_a_run_that_did_no_step(tmp_path):
    run = FakeRun(tmp_path)
    build().after_run(run)
    assert run.requested == []
