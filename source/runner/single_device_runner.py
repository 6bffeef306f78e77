"""Runs an application on one device: the first GPU if TensorFlow sees one, otherwise the CPU."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from source.callback.callback import Callback
from source.config.config import RunnerConfig
from source.config.errors import ConfigError
from source.config.settings import adopt, settings
from source.runner.runner import Runner


@settings
class Config(RunnerConfig):
    """Settings of the runner on one device; all are the room's."""

    def __post_init__(self) -> None:
        RunnerConfig.__post_init__(self)
        if self.gpu_count is not None and self.gpu_count > 1:
            raise ConfigError(
                f"gpu_count: single_device_runner uses one device. Received: gpu_count={self.gpu_count}. "
                f"Take a runner for several devices."
            )


class SingleDeviceRunner(Runner):
    """The whole batch on the device that TensorFlow chooses."""

    @property
    def replicas(self) -> int:
        """Always 1."""
        return 1

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns a context that changes nothing."""
        return contextlib.nullcontext()

    def distribute(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Returns `step` as it is."""
        return step


def build(config: RunnerConfig, inputter: Any, modeler: Any, callbacks: Sequence[Callback] = ()) -> SingleDeviceRunner:
    """Returns a runner of these parts.

    Args:
        config: the runner's settings.
        inputter: an inputter.
        modeler: a modeler.
        callbacks: callbacks in the order in which they are to be called.
    """
    return SingleDeviceRunner(adopt(Config, config), inputter, modeler, callbacks)
