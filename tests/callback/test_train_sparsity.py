import pytest

from source.callback import train_sparsity
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun, drive
from tests.callback.test_compression import pruned_run


def test_prints_the_share_of_zeros_that_layers_see(tmp_path):
    run, callback = pruned_run(tmp_path), train_sparsity.build(CallbackConfig(log_every_n_iter=2))
    callback.before_run(run)
    run.modeler.compressor.update(4)
    assert drive(callback, run) == {step: {"sparsity": "50.00%"} for step in (2, 4, 6)}


def test_refuses_a_modeler_without_a_compressor(tmp_path):
    message = r"^train_sparsity: the modeler has no compressor\. Set `compressor`, or leave this callback out\.$"
    with pytest.raises(ConfigError, match=message):
        train_sparsity.build(CallbackConfig()).before_run(FakeRun(tmp_path))
