"""One grammar for the names of all sparsity patterns: text to pattern, and what is wrong where."""

from collections.abc import Callable

from source.config import nearest
from source.config.errors import ConfigError, UnknownNameError
from source.numeric._reader import MalformedError, Reader
from source.sparsity.pattern import Bernoulli, Block, Channel, Dense, Kernel, NOfM, Pattern, TopK

_KIND = "sparsity pattern"
# Names that toolkits of d-Matrix gave to common patterns.
_ALIASES = {
    "BTK8_4_LD": "BTOPK{4:8,-1}",
    "BTK8_4_FD": "BTOPK{4:8,1}",
    "BTK8_2_LD": "BTOPK{2:8,-1}",
}
# What a nearest name is looked for among, beside the aliases.
_EXAMPLES = (
    *("2:4", "BTOPK{2:4,-1}", "TOPK{0.5}", "BLOCK{0.5,4x4}"),
    *("KERNEL{0.5}", "CHANNEL{0.5,-1}", "BERN", "DENSE"),
)


def sparsity_pattern(text: str | Pattern) -> Pattern:
    """Returns the sparsity pattern of a name; a pattern is returned as it is.

    `str()` of a pattern is its canonical name. `2:4` is `BTOPK{2:4,-1}`, and `2:4,-2` has another axis. A suffix `(U)`
    or `(M)`, which older notations end with, is read and dropped: it speaks of gradients, not of which entries live.

    Args:
        text: such as "TOPK{0.5}", "2:4", "BTOPK{2:4,-2}", "BLOCK{0.5,1x4}", "KERNEL{0.5}", "CHANNEL{0.5}", "BERN" or
            "DENSE".

    Raises:
        UnknownNameError: when no pattern's name begins like that; the message offers the nearest.
        ConfigError: when the name is malformed, with the place, or when there is no such pattern.
    """
    if isinstance(text, Pattern):
        return text
    name = text.strip()
    reader = Reader(_ALIASES.get(name, name), _KIND)
    read = _reading(reader, name)
    try:
        found = read(reader)
    except MalformedError:
        raise
    except ConfigError as error:
        raise ConfigError(f"`{name}` is no {_KIND}: {error}") from None
    _ = reader.take("(U)") or reader.take("(M)")
    reader.end()
    return found


def _reading(reader: Reader, name: str) -> Callable[[Reader], Pattern]:
    """Returns what reads the rest of a name, after its first word."""
    word = reader.word().upper()
    if not word and name[:1].isdigit():
        reader.form = "kept:of,axis"
        return _ratio
    if word not in _RULES:
        raise UnknownNameError(f"There is no {_KIND} `{name}`. {nearest.did_you_mean(name, (*_EXAMPLES, *_ALIASES))}")
    reader.form, read = _RULES[word]
    return read


def _top_k(reader: Reader) -> Pattern:
    return TopK(_alone(reader))


def _kernel(reader: Reader) -> Pattern:
    return Kernel(_alone(reader))


def _n_of_m(reader: Reader) -> Pattern:
    reader.expect("{")
    found = _ratio(reader)
    reader.expect("}")
    return found


def _block(reader: Reader) -> Pattern:
    reader.expect("{")
    density = reader.number("the density")
    reader.expect(",")
    rows = reader.integer("the rows of a block")
    reader.expect("x")
    columns = reader.integer("the columns of a block")
    reader.expect("}")
    return Block(density, (rows, columns))


def _channel(reader: Reader) -> Pattern:
    reader.expect("{")
    density = reader.number("the density")
    axis = _axis(reader)
    reader.expect("}")
    return Channel(density, axis)


def _bernoulli(reader: Reader) -> Pattern:
    if not reader.take("{"):
        return Bernoulli()
    seed = reader.integer("the seed")
    reader.expect("}")
    return Bernoulli(seed)


def _dense(reader: Reader) -> Pattern:
    return Dense()


def _alone(reader: Reader) -> float:
    reader.expect("{")
    density = reader.number("the density")
    reader.expect("}")
    return density


def _ratio(reader: Reader) -> Pattern:
    kept = reader.integer("the entries of a group that live")
    reader.expect(":")
    return NOfM(kept, reader.integer("the entries of a group"), _axis(reader))


def _axis(reader: Reader) -> int:
    return reader.integer("the axis") if reader.take(",") else -1


_RULES: dict[str, tuple[str, Callable[[Reader], Pattern]]] = {
    "DENSE": ("DENSE", _dense),
    "TOPK": ("TOPK{density}", _top_k),
    "BTOPK": ("BTOPK{kept:of,axis}", _n_of_m),
    "BLOCK": ("BLOCK{density,4x4}", _block),
    "KERNEL": ("KERNEL{density}", _kernel),
    "CHANNEL": ("CHANNEL{density,axis}", _channel),
    "BERN": ("BERN{seed}", _bernoulli),
}
