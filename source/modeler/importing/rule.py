"""The rules that turn the arrays of a file into those of a model: rename, permute, reorder, flip and multiply."""

import abc
import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from source.config.config import require
from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping, settings

_SUM = re.compile(r"\{(\d+)([+-])(\d+)\}")


@dataclasses.dataclass
class Entry:
    """An array on its way from a file into a model.

    Attributes:
        source: its name in the file.
        source_shape: its shape there.
        name: what it is called by now; None once it is dropped.
        array: its values by now.
        steps: what was done to it, in words.
        permuted: whether a permute rule has taken it; each array is taken by the first only.
    """

    source: str
    source_shape: tuple[int, ...]
    name: str | None
    array: np.ndarray
    steps: list[str] = dataclasses.field(default_factory=list)
    permuted: bool = False


class Rule(abc.ABC):
    """One rule of an ordered list.

    Attributes:
        where: its place in the list, to begin messages with, such as `rules[2].permute`.
        optional: whether it may find nothing to do.
    """

    def __init__(self, where: str, optional: bool) -> None:
        self.where = where
        self.optional = optional

    @abc.abstractmethod
    def apply(self, entries: Sequence[Entry]) -> int:
        """Changes the entries it is meant for and returns how many those were.

        Args:
            entries: that are not dropped, in the order of the file.

        Raises:
            ConfigError: if one that it is meant for cannot be changed so.
        """


class Rename(Rule):
    r"""Replaces what a regular expression finds in a name; a replacement of None drops the array.

    `\1` in the replacement is the first group, and `{\1+1}` its number plus one.
    """

    def __init__(self, where: str, optional: bool, pattern: str, replacement: str | None) -> None:
        super().__init__(where, optional)
        self.pattern = _compiled(where, pattern)
        self.replacement = None if replacement is None else _template(where, self.pattern, replacement)

    def apply(self, entries: Sequence[Entry]) -> int:
        """Renames or drops; see `Rule.apply`."""
        found = _named(entries, self.pattern)
        for entry in found:
            entry.name = None if self.replacement is None else self.pattern.sub(self._renamed, entry.name or "")
            if entry.name is None:
                entry.steps.append(f"dropped by {self.where}")
        return len(found)

    def _renamed(self, match: re.Match[str]) -> str:
        return _expand(match, self.replacement or "")


class Permute(Rule):
    """Brings the axes of an array into another order, as `numpy.transpose` does."""

    def __init__(self, where: str, optional: bool, options: Mapping[str, Any]) -> None:
        super().__init__(where, optional)
        self.options = from_mapping(PermuteOptions, options, where)
        self.pattern = _compiled(where, self.options.match)

    def apply(self, entries: Sequence[Entry]) -> int:
        """Permutes those of the right rank that no earlier rule has permuted; see `Rule.apply`."""
        rank = len(self.options.axes)
        found = [entry for entry in _named(entries, self.pattern) if entry.array.ndim == rank and not entry.permuted]
        for entry in found:
            entry.array = entry.array.transpose(self.options.axes)
            entry.permuted = True
            entry.steps.append("axes " + " ".join(map(str, self.options.axes)))
        return len(found)


class Reorder(Rule):
    """Brings numbers that were flattened in one order along an axis into another order.

    The first dense layer after a convolution sees (c, h, w) flattened in PyTorch and (h, w, c) in Keras.
    """

    def __init__(self, where: str, optional: bool, options: Mapping[str, Any]) -> None:
        super().__init__(where, optional)
        # `from` is a word of Python, so the setting is called otherwise inside.
        named = {"from_" if name == "from" else name: value for name, value in options.items()}
        try:
            self.options = from_mapping(ReorderOptions, named, where)
        except ConfigError as error:
            raise ConfigError(str(error).replace("from_", "from")) from None
        self.pattern = _compiled(where, self.options.match)

    def apply(self, entries: Sequence[Entry]) -> int:
        """Reorders; see `Rule.apply`."""
        found = _named(entries, self.pattern)
        for entry in found:
            entry.array = self._reordered(entry)
            entry.steps.append(f"{' '.join(self.options.from_)} -> {' '.join(self.options.to)}")
        return len(found)

    def _reordered(self, entry: Entry) -> np.ndarray:
        options, array = self.options, entry.array
        if not 0 <= options.axis < array.ndim:
            raise ConfigError(f"{self.where}.axis: `{entry.name}` has no axis {options.axis}: {array.shape}.")
        before, length, after = array.shape[: options.axis], array.shape[options.axis], array.shape[options.axis + 1 :]
        sizes = [options.sizes.get(name, -1) for name in options.from_]
        order = [options.from_.index(name) for name in options.to]
        try:
            split = array.reshape(*before, *sizes, *after)
        except ValueError:
            text = " x ".join("?" if size < 0 else str(size) for size in sizes)
            raise ConfigError(f"{self.where}.sizes: {length} numbers of `{entry.name}` are not {text}.") from None
        axes = [*range(len(before)), *(len(before) + place for place in order)]
        axes += range(len(axes), split.ndim)
        return split.transpose(axes).reshape(array.shape)


class Flip(Rule):
    """Reverses an axis: the input channels of a first convolution, where pictures were BGR and are RGB now."""

    def __init__(self, where: str, optional: bool, options: Mapping[str, Any]) -> None:
        super().__init__(where, optional)
        self.options = from_mapping(FlipOptions, options, where)
        self.pattern = _compiled(where, self.options.match)

    def apply(self, entries: Sequence[Entry]) -> int:
        """Flips; see `Rule.apply`."""
        found = _named(entries, self.pattern)
        for entry in found:
            if self.options.axis >= entry.array.ndim:
                raise ConfigError(f"{self.where}.axis: `{entry.name}` has no axis {self.options.axis}.")
            entry.array = np.flip(entry.array, self.options.axis)
            entry.steps.append(f"axis {self.options.axis} reversed")
        return len(found)


class Multiply(Rule):
    """Multiplies an array by another of the same shape, such as weights by their mask; the other is used up."""

    def __init__(self, where: str, optional: bool, pattern: str, factor: str | None) -> None:
        super().__init__(where, optional)
        self.pattern = _compiled(where, pattern)
        if factor is None:
            raise ConfigError(f"{where}: expected the name of an array to multiply by.")
        self.factor = _template(where, self.pattern, factor)

    def apply(self, entries: Sequence[Entry]) -> int:
        """Multiplies; see `Rule.apply`."""
        by_name = {entry.name: entry for entry in entries}
        found = _named(entries, self.pattern)
        for entry in found:
            name = self.pattern.sub(lambda match: _expand(match, self.factor), entry.name or "")
            other = by_name.get(name)
            if other is None or other is entry or other.array.shape != entry.array.shape:
                what = "there is no such array" if other is None or other is entry else f"it is {other.array.shape}"
                raise ConfigError(f"{self.where}: `{entry.name}` {entry.array.shape} times `{name}`: {what}.")
            entry.array = entry.array * other.array
            entry.steps.append(f"times {other.source}")
            other.name = None
            other.steps.append(f"a factor of {entry.source}")
        return len(found)


@settings
class PermuteOptions:
    """Settings of a permute rule.

    Attributes:
        match: regular expression that is searched for in a name; empty takes all.
        axes: the place in the file of each axis of the model, each once; only arrays of so many axes are meant.
    """

    match: str = ""
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        require(sorted(self.axes) == list(range(len(self.axes))), "axes", "each axis once, from 0", self.axes)


@settings
class ReorderOptions:
    """Settings of a reorder rule.

    Attributes:
        match: regular expression that is searched for in a name.
        from_: names of the axes that were flattened, slowest first, such as [c, h, w]; written `from`.
        to: the same names in the order that is wanted.
        sizes: lengths of the axes, of all but one at least: {h: 7, w: 7}.
        axis: of the array that holds them; 0 is the inputs of a dense layer in the order of Keras.
    """

    match: str
    from_: tuple[str, ...]
    to: tuple[str, ...]
    sizes: dict[str, int]
    axis: int = 0

    def __post_init__(self) -> None:
        distinct = len(set(self.from_)) == len(self.from_)
        require(distinct and sorted(self.from_) == sorted(self.to), "to", f"the names of {self.from_}", self.to)
        known = set(self.sizes) <= set(self.from_) and len(self.sizes) >= len(self.from_) - 1
        positive = all(size > 0 for size in self.sizes.values())
        require(known and positive, "sizes", "positive lengths of all axes but one", self.sizes)


@settings
class FlipOptions:
    """Settings of a flip rule.

    Attributes:
        match: regular expression that is searched for in a name.
        axis: to reverse, from 0.
    """

    match: str
    axis: int

    def __post_init__(self) -> None:
        require(self.axis >= 0, "axis", "at least 0", self.axis)


_OF_PATTERNS: dict[str, Callable[..., Rule]] = {"rename": Rename, "multiply": Multiply}
_OF_OPTIONS: dict[str, Callable[..., Rule]] = {"permute": Permute, "reorder": Reorder, "flip": Flip}
_VERBS = (*_OF_PATTERNS, *_OF_OPTIONS)


def parse(items: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Returns the rules of an ordered list as it stands in YAML.

    Args:
        items: each `{verb: what}`, perhaps with `optional: true`. `rename` and `multiply` take a mapping from regular
            expressions to replacements, each a rule of its own; `permute`, `reorder` and `flip` take settings.

    Raises:
        ConfigError: naming the rule and what was expected.
    """
    rules: list[Rule] = []
    for number, item in enumerate(items, 1):
        where = f"rules[{number}]"
        verbs = [name for name in item if name != "optional"]
        if len(verbs) != 1:
            raise ConfigError(f"{where}: expected one of {', '.join(_VERBS)}. Received: {verbs}.")
        [verb] = verbs
        if verb not in _VERBS:
            raise ConfigError(f"{where}.{verb}: there is no such rule. {did_you_mean(str(verb), _VERBS)}")
        what, optional = item[verb], item.get("optional", False)
        if not isinstance(what, Mapping) or not isinstance(optional, bool):
            raise ConfigError(f"{where}.{verb}: expected a mapping, and true or false for `optional`.")
        where = f"{where}.{verb}"
        if verb in _OF_OPTIONS:
            rules.append(_OF_OPTIONS[verb](where, optional, what))
        else:
            rules += [_OF_PATTERNS[verb](where, optional, key, value) for key, value in what.items()]
    return rules


def _named(entries: Sequence[Entry], pattern: re.Pattern[str]) -> list[Entry]:
    return [entry for entry in entries if entry.name is not None and pattern.search(entry.name)]


def _compiled(where: str, pattern: Any) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ConfigError(f"{where}: expected a regular expression, and {pattern!r} is none: {error}.") from None


def _template(where: str, pattern: re.Pattern[str], replacement: Any) -> str:
    try:
        pattern.sub(replacement, "")
    except (re.error, IndexError, TypeError) as error:
        raise ConfigError(f"{where}: {replacement!r} cannot replace {pattern.pattern!r}: {error}.") from None
    return str(replacement)


def _expand(match: re.Match[str], template: str) -> str:
    def total(found: re.Match[str]) -> str:
        second = int(found[3])
        return str(int(found[1]) + (second if found[2] == "+" else -second))

    return _SUM.sub(total, match.expand(template))
