"""A weight under its mask, and the gradients of five rules: which entries learn, and whether the scores do."""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import keras
from keras import ops

from source.config import nearest
from source.config.errors import ConfigError, UnknownNameError
from source.numeric._bits import Tensor

Rule: TypeAlias = Literal["masked", "ste", "sr_ste", "supermask", "joint"]

RULES: tuple[Rule, ...] = get_args(Rule)
_OF_SCORES = ("supermask", "joint")


def masked(w: Tensor, mask: Tensor, rule: Rule = "masked", scores: Tensor | None = None, decay: float = 2e-4) -> Tensor:
    """Returns w where the mask is True, and zero elsewhere, exactly; the rule says what learns.

    - "masked": the gradient of w is dy * mask;
    - "ste": dy;
    - "sr_ste": dy + decay * (1 - mask) * w;
    - "supermask": w has none, and that of the scores is dy * w;
    - "joint": dy * mask for w, and dy * w for the scores.

    "ste" lets pruned entries learn and grow back (Guo et al.: Dynamic network surgery, 2016,
    https://arxiv.org/abs/1608.04493); "sr_ste" lets them decay too (Zhou et al.: Learning N:M fine-grained structured
    sparse neural networks from scratch, 2021, https://arxiv.org/abs/2102.04010); "supermask" trains the mask alone
    (Zhou et al.: Deconstructing lottery tickets, 2019, https://arxiv.org/abs/1905.01067).

    Args:
        w: floating point, of any shape.
        mask: bool in the shape of w; it has no gradient itself.
        rule: one of the five.
        scores: what the mask was made of, in the shape of w; needed when they learn, otherwise without use.
        decay: of "sr_ste", not negative. It enters each time the weight is used.

    Raises:
        UnknownNameError: for another rule.
        ConfigError: for scores that are missing, useless or of another shape, and for a negative decay.
    """
    check_rule(rule)
    w, mask = _as_tensor(w), ops.convert_to_tensor(mask, "bool")
    _check(w, mask, rule, scores, decay)
    if rule == "masked":
        return _live(mask, w)
    if rule in _OF_SCORES:
        return _with_gradients(mask, _with_scores, w if rule == "joint" else ops.stop_gradient(w), scores)
    return _with_gradients(mask, _straight_through if rule == "ste" else _sr_ste(decay), w)


def check_rule(rule: str) -> None:
    """Refuses what is no rule.

    Raises:
        UnknownNameError: for another word than the five.
    """
    if rule not in RULES:
        raise UnknownNameError(
            f"`rule` must be a rule of gradients. Received: rule={rule!r}. {nearest.did_you_mean(rule, RULES)}"
        )


def _live(mask: Tensor, x: Tensor) -> Tensor:
    """Returns x where the mask is True and zero elsewhere, which a product is not for infinity and NaN."""
    return ops.where(mask, x, ops.zeros_like(x))


def _with_gradients(mask: Tensor, gradient: Callable[..., Tensor | tuple[Tensor, ...]], *inputs: Tensor) -> Tensor:
    """Returns the first input under the mask; `gradient` makes the inputs' of the one above, the mask and the first."""
    # As a comparison with a constant it has no gradient that a backend could follow.
    live = ops.stop_gradient(ops.cast(mask, "float32")) > 0.0

    @ops.custom_gradient
    def value(w: Tensor, *others: Tensor) -> tuple[Tensor, Callable[..., Tensor | tuple[Tensor, ...]]]:
        # Backends hand the gradient from above over by position or by name.
        return _live(live, w), lambda *args, upstream=None: gradient(args[0] if upstream is None else upstream, live, w)

    return value(*(_as_tensor(each) for each in inputs))


def _straight_through(dy: Tensor, live: Tensor, w: Tensor) -> Tensor:
    return dy


def _sr_ste(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda dy, live, w: ops.where(live, dy, dy + w * decay)


def _with_scores(dy: Tensor, live: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    return _live(live, dy), dy * w


def _as_tensor(x: Tensor) -> Tensor:
    """Returns a tensor; of a variable a copy, as TensorFlow lets no variable into a function with its own gradient."""
    return ops.copy(x) if isinstance(x, keras.Variable) else ops.convert_to_tensor(x)


def _check(w: Tensor, mask: Tensor, rule: Rule, scores: Tensor | None, decay: float) -> None:
    if tuple(mask.shape) != tuple(w.shape):
        raise ConfigError(f"A mask must have the shape of the weight, {tuple(w.shape)}. Received: {tuple(mask.shape)}.")
    if rule in _OF_SCORES and scores is None:
        raise ConfigError(f"rule={rule!r} needs `scores`, which learn. Received: scores=None.")
    if rule not in _OF_SCORES and scores is not None:
        raise ConfigError(f"`scores` have no effect when rule={rule!r}; leave them out.")
    if scores is not None and tuple(scores.shape) != tuple(w.shape):
        raise ConfigError(
            f"`scores` must have the shape of the weight, {tuple(w.shape)}. Received: {tuple(scores.shape)}."
        )
    if decay < 0.0:
        raise ConfigError(f"`decay` must not be negative. Received: decay={decay}.")
