import pytest

from source.callback import infer_basic
from source.config.config import CallbackConfig
from source.config.errors import CheckpointError
from tests.callback.fake_run import FakeRun


def test_restores_first_and_only_in_its_mode():
    callback = infer_basic.build(CallbackConfig())
    assert (callback.restores, callback.modes) == (True, {"infer"})


def test_restores_the_newest_checkpoint_and_says_its_step(tmp_path):
    run = FakeRun(tmp_path, mode="infer", checkpoint=1500)
    infer_basic.build(CallbackConfig()).before_run(run)
    assert run.step == 1500
    assert run.said == ["Restored the checkpoint of step 1,500."]


def test_refuses_to_go_on_without_a_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match=r"^No checkpoint to infer with\.$"):
        infer_basic.build(CallbackConfig()).before_run(FakeRun(tmp_path, mode="infer"))
