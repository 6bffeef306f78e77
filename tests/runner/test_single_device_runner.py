import contextlib

import pytest

from source.config.config import RunnerConfig
from source.config.errors import ConfigError
from source.runner import single_device_runner


def test_the_whole_batch_is_one_replicas():
    runner = single_device_runner.build(RunnerConfig(gpu_count=1), "inputter", "modeler", ["callback"])

    def step(batch):
        return batch

    assert (runner.replicas, runner.distribute(step)) == (1, step)
    assert isinstance(runner.scope(), contextlib.nullcontext)
    assert (runner.inputter, runner.modeler, runner.callbacks) == ("inputter", "modeler", ["callback"])


def test_more_than_one_device_is_refused():
    with pytest.raises(ConfigError, match=r"single_device_runner uses one device\. Received: gpu_count=2"):
        single_device_runner.Config(gpu_count=2)
