"""Tests of the weights that evaluation, inference and export begin with."""

import pytest

from source.callback import eval_basic, export_basic, infer_basic
from source.config.config import CallbackConfig
from source.config.errors import CheckpointError
from tests.callback.fake_run import FakeRun


@pytest.fixture(params=[("evaluate", eval_basic), ("infer", infer_basic), ("export", export_basic)], ids=lambda p: p[0])
def mode_and_plugin(request):
    return request.param


def build(plugin):
    return plugin.build(CallbackConfig(pretrained_model="weights.h5", skip_pretrained_var="head"))


def test_pretrained_weights_take_the_place_of_a_missing_checkpoint(tmp_path, mode_and_plugin):
    mode, plugin = mode_and_plugin
    run = FakeRun(tmp_path, mode=mode)
    build(plugin).before_run(run)
    assert run.modeler.restored == [("weights.h5", ("head",))]
    assert run.said == ["weights.h5: 3 weights loaded"]


def test_a_checkpoint_of_the_run_goes_before_pretrained_weights(tmp_path, mode_and_plugin):
    mode, plugin = mode_and_plugin
    run = FakeRun(tmp_path, mode=mode, checkpoint=1500)
    build(plugin).before_run(run)
    assert run.modeler.restored == []
    assert run.said == ["Restored the checkpoint of step 1,500."]


def test_weights_that_stay_as_they_began_are_refused(tmp_path):
    run = FakeRun(tmp_path, mode="evaluate")
    run.modeler.missing = ("logits/kernel",)
    expected = (
        r"^pretrained_model: weights\.h5 must have all weights to evaluate with; `logits/kernel` is as it began\. "
        r"Train first, or set `allow_untrained`\.$"
    )
    with pytest.raises(CheckpointError, match=expected):
        build(eval_basic).before_run(run)


def test_weights_that_stay_as_they_began_can_be_allowed(tmp_path):
    run = FakeRun(tmp_path, mode="evaluate", allow_untrained=True)
    run.modeler.missing = ("logits/kernel",)
    build(eval_basic).before_run(run)
    assert run.said == ["weights.h5: 3 weights loaded"]


def test_rules_go_with_the_weights(tmp_path):
    run = FakeRun(tmp_path, mode="evaluate")
    eval_basic.build(CallbackConfig(pretrained_model="w.npz", pretrained_rules="r.yaml")).before_run(run)
    assert run.modeler.restored == [("w.npz", (), "r.yaml")]
