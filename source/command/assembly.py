"""From names and settings to a runner: the one way in which an application is put together."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.plugin import resolve
from source.config.settings import from_mapping


@dataclasses.dataclass(frozen=True, kw_only=True)
class Names:
    """Which plugin stands in each place of an application.

    Attributes:
        inputter: name of the inputter.
        modeler: name of the modeler.
        runner: name of the runner.
        callbacks: names of the callbacks, in their order.
    """

    inputter: str
    modeler: str
    runner: str
    callbacks: Sequence[str]


def assemble(names: Names, settings: Mapping[str, Any]) -> Any:
    """Returns the runner of an application.

    Every setting goes to every part that has a field of its name, so that `batch_size_per_gpu` or
    `num_classes` is
    said once.

    Args:
        names: which plugins to take.
        settings: values by field name; text is turned into the type of the field.

    Raises:
        UnknownNameError: for a plugin that does not exist, with the nearest names.
        ConfigError: for a setting that no part has, with the nearest names, or a value that cannot be.
    """
    inputter = resolve("inputter", names.inputter)
    modeler = resolve("modeler", names.modeler)
    callbacks = [resolve("callback", name) for name in names.callbacks]
    runner = resolve("runner", names.runner)
    modules = [inputter, modeler, *callbacks, runner]
    _refuse_unknown(settings, modules)
    return runner.build(
        _configure(runner, settings),
        inputter.build(_configure(inputter, settings)),
        modeler.build(_configure(modeler, settings)),
        [callback.build(_configure(callback, settings)) for callback in callbacks],
    )


def _configure(module: ModuleType, settings: Mapping[str, Any]) -> Any:
    wanted = _field_names(module)
    return from_mapping(
        _config_class(module), {name: value for name, value in settings.items() if name in wanted}
    )


def _refuse_unknown(settings: Mapping[str, Any], modules: Sequence[ModuleType]) -> None:
    known = {name for module in modules for name in _field_names(module)}
    for name in settings:
        if name not in known:
            raise ConfigError(
                f"{name}: no part of this application has this setting. {did_you_mean(name, known)}"
            )


def _field_names(module: ModuleType) -> set[str]:
    return {field.name for field in dataclasses.fields(_config_class(module))}


def _config_class(module: ModuleType) -> type:
    return getattr(module, "Config", CallbackConfig)
