"""From names and settings to a runner: the one way in which an application is put together."""

import contextlib
import dataclasses
import os
import typing
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from source.command.quiet import import_quietly
from source.command.settings_text import type_text
from source.config.config import CallbackConfig, InputterConfig, ModelerConfig, RunnerConfig
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.plugin import locate, resolve
from source.config.settings import check_types, from_mapping
from source.config.training_share import MANY_STEPS, in_steps

# Settings that name further plugins: the setting, its room, and the configuration that says how to read it.
_NAMING_SETTINGS = (
    ("augmenter", "augmenter", InputterConfig),
    ("batch_augmenter", "augmenter", InputterConfig),
    ("network", "network", ModelerConfig),
    ("compressor", "compressor", ModelerConfig),
    ("exporters", "exporter", RunnerConfig),
)
_COMPRESSION = "compression"


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


def assemble(
    names: Names,
    settings: Mapping[str, Any],
    configs: Sequence[type] = (),
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Any:
    """Returns the runner of an application.

    Training with a compressor gets the callback `compression`, if `names` does not list it, behind the one that
    restores. Every setting goes to every part that has a field of its name, so that `batch_size_per_gpu` or
    `num_classes` is said once. A setting that exporters have goes to the `exporter_options` of each of those
    that `exporters` names. Plugins are loaded when all names and the types of all values known from
    `configs` have been found right.

    Args:
        names: which plugins to take.
        settings: values by field name; text is turned into the type of the field. True stands for a switch
            too.
        configs: configuration classes that the parts' own extend.
        own: settings of one part alone, which win: of "inputter", "modeler", "runner", and of callbacks by their names.

    Raises:
        UnknownNameError: for a plugin that does not exist, with the nearest names.
        ConfigError: for a setting that no part has, with the nearest names, or a value that cannot be.
    """
    names = _with_compression(names, settings)
    _check_values(configs, settings)
    _check_names(names, settings)
    own = own or {}
    runner_settings = {**settings, **own.get("runner", {})}
    _load_tensorflow(from_mapping(RunnerConfig, _only("deterministic", runner_settings)).deterministic)
    inputter = _load("inputter", names.inputter)
    modeler = _load("modeler", names.modeler)
    callbacks = [_load("callback", name) for name in names.callbacks]
    runner = _load("runner", names.runner)
    _check_compressor(settings)
    places = {inputter: "inputter", modeler: "modeler", runner: "runner"}
    places |= dict(zip(callbacks, names.callbacks, strict=True))
    configured = _configure({part: own.get(place, {}) for part, place in places.items()}, settings)
    return runner.build(
        configured[runner],
        inputter.build(configured[inputter]),
        modeler.build(configured[modeler]),
        [callback.build(configured[callback]) for callback in callbacks],
    )


def _check_values(configs: Sequence[type], settings: Mapping[str, Any]) -> None:
    """Refuses values that no plugin whose configuration extends one of these could take."""
    for config_class in configs:
        given = _fields_of(config_class, settings)
        _check_bare(config_class, given)
        check_types(config_class, given)


def _check_names(names: Names, settings: Mapping[str, Any]) -> None:
    """Refuses a plugin that does not exist, without loading any."""
    places = [("inputter", names.inputter), ("modeler", names.modeler), ("runner", names.runner)]
    places += [("callback", name) for name in names.callbacks]
    for setting, room, config_class in _NAMING_SETTINGS:
        places += [(room, name) for name in _named(setting, config_class, settings)]
    for room, name in places:
        locate(room, name)


def _with_compression(names: Names, settings: Mapping[str, Any]) -> Names:
    """Adds the callback without which a compressor would not know the steps."""
    mode = from_mapping(RunnerConfig, _only("mode", settings)).mode
    if mode != "train" or settings.get("compressor") is None or _COMPRESSION in names.callbacks:
        return names
    return dataclasses.replace(names, callbacks=[*names.callbacks[:1], _COMPRESSION, *names.callbacks[1:]])


def _load(room: str, name: str) -> ModuleType:
    module = resolve(room, name)
    if not hasattr(module, "build"):
        raise ConfigError(f"{room} `{name}`: the module {module.__name__} has no `build`, so it is no plugin.")
    return module


def _load_tensorflow(deterministic: bool) -> None:
    """Loads TensorFlow without its notes, and sees to it that Keras will take it as its backend.

    A deterministic run needs one operation at a time, which TensorFlow reads from its environment when it starts.
    """
    # The variable goes before what Keras' own file of settings may say.
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ConfigError(
            f"KERAS_BACKEND: applications run on TensorFlow. Received: KERAS_BACKEND={backend}. "
            "Unset it, or set it to tensorflow."
        )
    if deterministic:
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    with contextlib.suppress(ModuleNotFoundError):  # the first plugin that needs it will say so
        import_quietly("tensorflow")


def _check_compressor(settings: Mapping[str, Any]) -> None:
    """Refuses settings that the compressor does not have, before any part is built."""
    config = from_mapping(ModelerConfig, _only("compressor", settings) | _only("compressor_options", settings))
    if config.compressor is not None:
        config_class = _load("compressor", config.compressor).Config
        _check_bare(config_class, config.compressor_options, "compressor_options.")
        from_mapping(config_class, in_steps(config.compressor_options, MANY_STEPS), "compressor_options")


def _named(setting: str, config_class: type, settings: Mapping[str, Any]) -> Iterable[str]:
    """Returns the names of plugins that a setting holds, read as its configuration would."""
    value = getattr(from_mapping(config_class, _only(setting, settings)), setting)
    return value if isinstance(value, tuple) else [] if value is None else [value]


def _only(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name]} if name in settings else {}


def _configure(modules: Mapping[ModuleType, Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[ModuleType, Any]:
    """Returns the configuration of each part, with its own settings; refuses settings that none of them has."""
    exporters = {name: _load("exporter", name).Config for name in _named("exporters", RunnerConfig, settings)}
    classes = {module: getattr(module, "Config", CallbackConfig) for module in modules}
    _refuse_unknown(settings, [*classes.values(), *exporters.values()])
    settings = {**settings, "exporter_options": _exporter_options(settings, exporters)}
    configured = {}
    for module, config_class in classes.items():
        given = {**_fields_of(config_class, settings), **modules[module]}
        _check_bare(config_class, given)
        configured[module] = from_mapping(config_class, given)
    return configured


def _check_bare(config_class: type, given: Mapping[str, Any], path: str = "") -> None:
    """Refuses True, which a flag without a value stands for, where the field is no switch."""
    hints = typing.get_type_hints(config_class)
    for name, value in given.items():
        if value is True and name in hints and "bool" not in type_text(hints[name]):
            raise ConfigError(f"{path}{name}: needs a value of type {type_text(hints[name])}.")


def _fields_of(config_class: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    names = _field_names(config_class)
    return {name: value for name, value in settings.items() if name in names}


def _exporter_options(settings: Mapping[str, Any], exporters: Mapping[str, type]) -> dict[str, Any]:
    """Returns the settings of each exporter: those given to all, then those given to it alone."""
    own = from_mapping(RunnerConfig, _only("exporter_options", settings)).exporter_options
    for name in own:
        if name not in exporters:
            raise ConfigError(
                f"exporter_options.{name}: no such exporter is in `exporters`. {did_you_mean(name, exporters)}"
            )
    options = {}
    for name, config_class in exporters.items():
        options[name] = {**_fields_of(config_class, settings), **own.get(name, {})}
        _check_bare(config_class, options[name])
        from_mapping(config_class, options[name], f"exporter_options.{name}" if name in own else "")
    return options


def _refuse_unknown(settings: Mapping[str, Any], classes: Sequence[type]) -> None:
    known = {name for config_class in classes for name in _field_names(config_class)}
    for name in settings:
        if name not in known:
            raise ConfigError(f"{name}: no part of this application has this setting. {did_you_mean(name, known)}")


def _field_names(config_class: type) -> set[str]:
    return {field.name for field in dataclasses.fields(config_class)}
