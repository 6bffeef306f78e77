"""Runs an application from flags: every setting of every part is a flag, in any order.

`--field=value`, `--field value`, and for switches `--field` alone; settings of a network, an augmenter or an
exporter are written with a dot: `--network_options.dropout=0.3`. There is no list of flags beside the fields
of the `Config` classes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from source.command.assembly import Names, assemble
from source.command.flags import SECTIONS, Flags, parse_flags
from source.command.parser import UsageError
from source.command.settings_text import describe
from source.config.nearest import did_you_mean

_MODES = {"train": "train", "eval": "evaluate", "evaluate": "evaluate", "infer": "infer", "export": "export"}
_PLACES = ("inputter", "modeler", "runner", "callbacks")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Application:
    """What an application takes unless a flag says otherwise.

    Attributes:
        description: what it does, for its help.
        inputter: name of its inputter.
        modeler: name of its modeler.
        runner: name of its runner.
        callbacks: names of its callbacks in each mode.
        configs: configuration classes of its task: its help lists their fields, and values are held against
            their types before anything heavy is loaded.
        defaults: values by field name.
    """

    description: str
    inputter: str
    modeler: str
    runner: str
    callbacks: Mapping[str, Sequence[str]]
    configs: Sequence[type]
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def run(self, arguments: Sequence[str]) -> int:
        """Assembles the application that the flags describe, runs it, and returns the exit code 0.

        Args:
            arguments: what follows the program's name.

        Raises:
            EspalierError: for any mistake in the flags or in what they name.
        """
        if {"-h", "--help"} & set(arguments):
            print(self.help_text())
            return 0
        flags = parse_flags(arguments)
        mode = _mode(flags)
        settings = {**self.defaults, **flags.values, "mode": mode}
        names = Names(
            inputter=_name(settings, "inputter", self.inputter),
            modeler=_name(settings, "modeler", self.modeler),
            runner=_name(settings, "runner", self.runner),
            callbacks=_split(_name(settings, "callbacks", ",".join(self.callbacks[mode]))),
        )
        assemble(names, settings, self.configs).run()
        return 0

    def help_text(self) -> str:
        """Returns the help: every flag with type, default and meaning."""
        lines = [self.description, "", "Flags, in any order:", "  --mode {train,eval,infer,export} = train"]
        lines += [f"  --{place} = {self._default(place)}" for place in _PLACES]
        seen = {"mode", *_PLACES}
        for config in self.configs:
            for setting in describe(config):
                if setting.name not in seen:
                    seen.add(setting.name)
                    default = self.defaults.get(setting.name, setting.default)
                    lines.append(f"  --{setting.name}: {setting.type} = {default}\n      {setting.meaning}")
        plugins = ", ".join(f"{room}.{getattr(self, room)}" for room in ("inputter", "modeler", "runner"))
        lines += [
            "",
            f"Plugins may have more; `espalier help ROOM.NAME` lists them: {plugins}, callback.train_basic, ...",
        ]
        return "\n".join(lines)

    def _default(self, place: str) -> str:
        if place == "callbacks":
            return "; ".join(f"{mode}: {','.join(names)}" for mode, names in self.callbacks.items())
        return getattr(self, place)


def _mode(flags: Flags) -> str:
    """Returns the mode that `--mode` or the words such as `eval_args` name."""
    words = [_name(dict(flags.values), "mode", "train")] if "mode" in flags.values else []
    words += [SECTIONS[section] for section in flags.sections]
    if "tune" in words:
        raise UsageError(
            "--mode: there is no mode tune here. Compare settings by runs with --mode=train and an "
            "--eval_dataset_meta, each with its own --model_dir."
        )
    for word in words:
        if word not in _MODES:
            raise UsageError(f"--mode: unknown mode `{word}`. {did_you_mean(word, _MODES)}")
    modes = [_MODES[word] for word in words] or ["train"]
    if len(set(modes)) > 1:
        raise UsageError(f"--mode: the mode cannot be both {modes[0]} and {modes[-1]}. Received: {_said(flags)}.")
    return modes[0]


def _said(flags: Flags) -> str:
    mode = [f"--mode={flags.values['mode']}"] if "mode" in flags.values else []
    return " ".join([*mode, *flags.sections])


def _name(settings: dict[str, Any], place: str, default: str) -> str:
    """Takes the name of what stands in a place out of the settings."""
    name = settings.pop(place, default)
    if not isinstance(name, str) or not name.strip(", "):
        raise UsageError(f"--{place}: needs a value, such as --{place}={default}.")
    return name


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
