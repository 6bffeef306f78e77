"""Types of the settings of layers in YAML: sizes, paddings, axes, and names of Keras' own objects."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import pydantic

# More than any real layer; a size beyond it is a slip, and the weights of one would fill the memory.
_LARGEST = 2**24


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST


def _checked(accepted: Callable[[Any], bool], expected: str) -> pydantic.BeforeValidator:
    def check(value: Any) -> Any:
        if not accepted(value):
            raise _refusal(expected, value)
        return value

    return pydantic.BeforeValidator(check)


def _refusal(expected: str, value: Any) -> ValueError:
    return ValueError(f"expected {expected}. Received: {value!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _pair(value: Any) -> tuple[int, int]:
    if _is_whole(value, 1):
        return value, value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_whole(each, 1) for each in value):
        return value[0], value[1]
    raise _refusal("a whole number of at least 1, or two of them: [rows, columns]", value)


def _window(value: Any) -> Any:
    if value is None or value == "global":
        return "global"
    pair = value if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) == 2 and all(each is None or _is_whole(each, 1) for each in pair):
        return "global" if pair[0] is pair[1] is None else tuple(pair)
    raise _refusal('a whole number, two of them (null for all rows or columns), or "global"', value)


def _edges(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns numbers of pixels at top and bottom, left and right."""
    sides = value if isinstance(value, (list, tuple)) else [value, value]
    pairs = [tuple(each) if isinstance(each, (list, tuple)) else (each, each) for each in sides]
    if len(pairs) != 2 or any(len(each) != 2 or not all(_is_whole(one, 0) for one in each) for each in pairs):
        raise _refusal("pixels on all sides, [rows, columns], or [[top, bottom], [left, right]]", value)
    return pairs[0], pairs[1]


def _padding(value: Any) -> Any:
    if isinstance(value, str) and value in ("same", "valid"):
        return value
    if isinstance(value, str):
        raise _refusal('"same", "valid", or numbers of pixels', value)
    edges = _edges(value)
    return edges if any(map(any, edges)) else "valid"


def _axes(value: Any) -> tuple[int, ...]:
    axes = value if isinstance(value, (list, tuple)) else [value]
    if not axes or any(not isinstance(each, int) or isinstance(each, bool) or each == 0 for each in axes):
        raise _refusal("an axis or a list of axes, the batch (0) not among them", value)
    return tuple(axes)


def _named(value: Any) -> tuple[str, dict[str, Any]] | None:
    """Returns the name and the settings of an object of Keras, in whichever of three ways they are written."""
    if value is None or (isinstance(value, tuple) and len(value) == 2):
        return value
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping):
        given = {key: each for key, each in value.items() if not str(key).startswith("_")}
        config = given.get("config", {})
        is_config = set(given) <= {"class_name", "config"} and isinstance(config, Mapping)
        if is_config and isinstance(given.get("class_name"), str):
            return given["class_name"], dict(config)
        if isinstance(given.get("name"), str):
            return given.pop("name"), given
    raise _refusal("a name, or a mapping of `name` and settings, or of `class_name` and `config`", value)


Axes = Annotated[tuple[int, ...], pydantic.BeforeValidator(_axes)]
Axis = Annotated[int, _checked(lambda value: _is_whole(value, -8) and value != 0, "an axis, not that of the batch (0)")]
Count = Annotated[int, _checked(lambda value: _is_whole(value, 1), f"a whole number from 1 to {_LARGEST}")]
Edges = Annotated[tuple[tuple[int, int], tuple[int, int]], pydantic.BeforeValidator(_edges)]
Named = Annotated[Any, pydantic.BeforeValidator(_named)]
Padding = Annotated[Any, pydantic.BeforeValidator(_padding)]
Pair = Annotated[tuple[int, int], pydantic.BeforeValidator(_pair)]
Positive = Annotated[float, _checked(lambda value: _is_number(value) and value > 0, "a number above 0")]
Precision = Literal["float32", "bfloat16", "float16", "mixed_bfloat16", "mixed_float16"]
Share = Annotated[float, _checked(lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1")]
Unit = Annotated[float, _checked(lambda value: _is_number(value) and 0 < value <= 1, "a number above 0, at most 1")]
Window = Annotated[Any, pydantic.BeforeValidator(_window)]
