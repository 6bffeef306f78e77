"""One grammar for the names of approximated operators: text to operator, and what is wrong where."""

import re
from collections.abc import Callable

from source.config import nearest
from source.config.errors import ConfigError, UnknownNameError
from source.layer.approximation.exponential import ExponentialApproximation
from source.layer.approximation.gelu import GeluApproximation
from source.layer.approximation.normalization import LayerNormalizationApproximation, RootMeanSquareApproximation
from source.layer.approximation.operator import Approximation
from source.layer.approximation.reciprocal import ReciprocalApproximation, ReciprocalRootApproximation
from source.layer.approximation.sigmoid import SigmoidApproximation, SiluApproximation, TanhApproximation
from source.layer.approximation.softmax import SoftmaxApproximation

OPERATORS: dict[str, Callable[..., Approximation]] = {
    each.operator: each
    for each in (
        SoftmaxApproximation,
        GeluApproximation,
        LayerNormalizationApproximation,
        RootMeanSquareApproximation,
        ReciprocalApproximation,
        ReciprocalRootApproximation,
        ExponentialApproximation,
        SigmoidApproximation,
        SiluApproximation,
        TanhApproximation,
    )
}
_NAME = re.compile(r"(?P<operator>\w+)\s*(?:<(?P<words>[^<>()]*)>|\((?P<others>[^<>()]*)\))?")


def approximation(text: str | Approximation) -> Approximation:
    """Returns the approximated operator of a name; an operator is returned as it is.

    `str()` of an operator is its canonical name. Capitals and round brackets are read too, and an operator alone
    stands for its default algorithm and numbers.

    Args:
        text: such as "softmax<base2,float16>", "SOFTMAX(base2,float16)" or "gelu".

    Raises:
        UnknownNameError: when there is no such operator, algorithm or kind of numbers; the message offers the nearest.
        ConfigError: when the name is malformed.
    """
    if isinstance(text, Approximation):
        return text
    name = text.strip()
    found = _NAME.fullmatch(name)
    if found is None:
        raise ConfigError(
            f"`{name}` names no approximation. It is written `operator<algorithm,numbers>`, such as "
            "`softmax<base2,float16>`."
        )
    kind = _operator(found["operator"], name)
    words = found["words"] if found["words"] is not None else found["others"]
    return kind() if words is None else _with_words(kind, [word.strip() for word in words.split(",")], name)


def _operator(word: str, name: str) -> Callable[..., Approximation]:
    if word.upper() == "NONE":
        raise ConfigError(f"`{name}` approximates nothing; leave the operator as it is.")
    plain = word.lower().replace("_", "")
    if plain not in OPERATORS:
        raise UnknownNameError(
            f"There is no approximation of `{word}`. {nearest.did_you_mean(word.lower(), OPERATORS)}"
        )
    return OPERATORS[plain]


def _with_words(kind: Callable[..., Approximation], words: list[str], name: str) -> Approximation:
    """Returns the operator with its algorithm and its numbers."""
    if kind is LayerNormalizationApproximation and len(words) == 3:
        algorithm, norm, numbers = words
        if not norm.isdecimal():
            raise ConfigError(f"The norm of `{name}` must be a whole number. Received: `{norm}`.")
        return LayerNormalizationApproximation(algorithm, numbers, int(norm))
    if len(words) != 2:
        raise ConfigError(
            f"`{name}` must have an algorithm and a kind of numbers, as in `{kind()}`. Received: {len(words)} of them."
        )
    algorithm, numbers = words
    if kind is LayerNormalizationApproximation and algorithm == "fallback":
        algorithm = "legacy"  # what the name without a norm has always meant
    return kind(algorithm, numbers)
