"""A file of rules: which weights it is for, which network they fit, and what becomes of each array."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import yaml

import source
from source.config.config import Names, require
from source.config.errors import ConfigError, UnknownNameError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping, settings
from source.modeler.importing import rule

_SHIPPED = pathlib.Path(source.__file__).parent / "recipe" / "import"
_SUFFIX = ".yaml"
_LARGEST_FILE = 1_000_000


@settings
class RuleSet:
    """Settings of a file of rules.

    Attributes:
        network: the network that the weights fit: a plugin or a recipe such as `network/resnet18.yaml`; empty for any.
        settings: of that network.
        input_shape: (h, w, c) that it is built for; empty takes the recipe's.
        expect: what layers of the model must have for the weights to mean what they meant, by the layers' class, such
            as {BatchNormalization: {epsilon: 1.0e-5}}.
        may_miss: regular expressions of weights that stay as they are where the file has nothing for them.
        rules: the rules, in their order; see `parse`.
    """

    network: str = ""
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    input_shape: tuple[int, ...] = ()
    expect: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    may_miss: Names = ()
    rules: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        sides = all(length > 0 for length in self.input_shape) and len(self.input_shape) in (0, 3)
        require(sides, "input_shape", "three positive lengths, h, w and c", self.input_shape)
        rule.parse(self.rules)


def shipped() -> dict[str, str]:
    """Returns the first line of each file of rules that comes with the library, by the rules' name, sorted."""
    files = sorted(_SHIPPED.glob(f"*{_SUFFIX}"))
    return {file.stem: file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for file in files}


def load(name: str) -> RuleSet:
    """Returns the rules of a file.

    Args:
        name: path of a YAML file, or the name of shipped rules.

    Raises:
        UnknownNameError: if there is neither; the nearest name is offered.
        ConfigError: if the file is no YAML, or says what cannot be.
    """
    file = pathlib.Path(name)
    if not file.is_file():
        stem = name.removesuffix(_SUFFIX)
        if stem not in shipped():
            raise UnknownNameError(
                f"rules `{name}`: there is no such file, nor are such rules shipped. {did_you_mean(stem, shipped())}"
            )
        file = _SHIPPED / f"{stem}{_SUFFIX}"
    return from_mapping(RuleSet, _read(file), file.name)


def _read(file: pathlib.Path) -> Mapping[str, Any]:
    if file.stat().st_size > _LARGEST_FILE:
        raise ConfigError(f"{file}: expected a file of rules, and this one has {file.stat().st_size:,} bytes.")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: expected YAML. {' '.join(str(error).split())}") from None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file}: expected a mapping with `rules`. Received: {type(content).__name__}.")
    return content
