"""Runs an application from flags: every setting of every part is a flag, in any order.

`--field=value`, `--field value`, and for switches `--field` alone; settings of a network, an augmenter or an
exporter are
written with a dot: `--network_options.dropout=0.3`. There is no list of flags beside the fields of the
`Config`
classes.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from source.command.assembly import Names, assemble
from source.command.parser import UsageError
from source.command.settings_text import describe
from source.config.nearest import did_you_mean

_MODES = {"train": "train", "eval": "evaluate", "evaluate": "evaluate", "infer": "infer", "export": "export"}
# Words that may mark where the flags of a mode begin; they change nothing, because no flag means two things.
_SECTIONS = {"train_args": "train", "eval_args": "evaluate", "infer_args": "infer", "export_args": "export"}
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
        configs: configuration classes of its task, whose fields its help lists.
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
        names = Names(
            inputter=flags.pop("inputter", self.inputter),
            modeler=flags.pop("modeler", self.modeler),
            runner=flags.pop("runner", self.runner),
            callbacks=_split(flags.pop("callbacks", None)) or self.callbacks[mode],
        )
        flags.pop("sections", None)
        assemble(names, {**self.defaults, **flags, "mode": mode}).run()
        return 0

    def help_text(self) -> str:
        """Returns the help: every flag with type, default and meaning."""
        lines = [self.description, "", "Flags, in any order:", "  --mode {train,eval,infer,export} = train"]
        lines += [f"  --{place} = {self._default(place)}" for place in _PLACES]
        seen = {"mode"}
        for config in self.configs:
            for setting in describe(config):
                if setting.name not in seen:
                    seen.add(setting.name)
                    default = self.defaults.get(setting.name, setting.default)
                    lines.append(f"  --{setting.name}: {setting.type} = {default}\n      {setting.meaning}")
        return "\n".join(lines)

    def _default(self, place: str) -> str:
        if place == "callbacks":
            return "; ".join(f"{mode}: {','.join(names)}" for mode, names in self.callbacks.items())
        return getattr(self, place)


def parse_flags(arguments: Sequence[str]) -> dict[str, Any]:
    """Returns the values of flags by name, text as it came; dotted names become nested mappings.

    Args:
        arguments: `--name=value`, `--name value`, or `--name` for a switch; words such as `train_args` may
            stand
            between them and are collected under `sections`.

    Raises:
        UsageError: for anything else.
    """
    flags: dict[str, Any] = {}
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word in _SECTIONS:
            flags["sections"] = [*flags.get("sections", []), word]
            continue
        if not word.startswith("--") or word == "--":
            raise UsageError(
                f"expected a flag such as --mode=train. Received: `{word}`. {_section_hint(word)}"
            )
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = waiting.pop(0) if waiting and not _is_word_of_ours(waiting[0]) else "true"
        _put(flags, name.replace("-", "_").split("."), value)
    return flags


def _put(flags: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        flags = flags.setdefault(part, {})
        if not isinstance(flags, dict):
            raise UsageError(f"--{'.'.join(path)}: `{part}` has a value of its own already.")
    flags[path[-1]] = value


def _is_word_of_ours(word: str) -> bool:
    return word.startswith("--") or word in _SECTIONS


def _section_hint(word: str) -> str:
    return did_you_mean(word, _SECTIONS) if word.endswith("_args") else ""


def _mode(flags: dict[str, Any]) -> str:
    word = flags.pop("mode", None)
    implied = {_SECTIONS[section] for section in flags.get("sections", [])}
    if word is not None and word not in _MODES:
        raise UsageError(f"--mode: unknown mode `{word}`. {did_you_mean(word, _MODES)}")
    mode = _MODES[word] if word else min(implied, default="train")
    if implied - {mode}:
        raise UsageError(
            f"--mode: the mode is {mode}, but {flags['sections'][0]} was given. Take one or the other."
        )
    return mode


def _split(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]
