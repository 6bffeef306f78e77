"""Weights of which only some live: a mask that a compressor refreshes, or that follows the weights in every call."""

from typing import Any, Literal

import keras
from keras import ops

from source.config.errors import ConfigError
from source.layer.transformation import Tensor, Transformation
from source.sparsity import backward
from source.sparsity.base import Pattern
from source.sparsity.grammar import sparsity_pattern

Refresh = Literal["stored", "every_call"]


@keras.saving.register_keras_serializable(package="espalier")
class Mask(Transformation):
    """w where the mask is true, 0 elsewhere.

    Attributes:
        pattern: which masks there may be.
        rule: how gradients pass: masked, ste, sr_ste, supermask, joint; see `source.sparsity.backward`.
        refresh: "stored", the mask changes only when something assigns to it; or "every_call", it is the pattern's
            mask of |w| at each call.
        learned_scores: whether entries have trained scores, which `rule` supermask or joint gives gradients.
        decay: strength of `rule` sr_ste.
    """

    def __init__(
        self,
        pattern: str | Pattern,
        rule: backward.Rule = "masked",
        refresh: Refresh = "stored",
        learned_scores: bool = False,
        decay: float = 2e-4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pattern = sparsity_pattern(str(pattern))
        self.rule = rule
        self.refresh = refresh
        self.learned_scores = learned_scores
        self.decay = decay
        if refresh not in ("stored", "every_call"):
            raise ConfigError(f"`refresh` must be stored or every_call. Received: refresh={refresh!r}.")
        if learned_scores != (rule in ("supermask", "joint")):
            raise ConfigError(
                f"Scores are learned by rule supermask or joint, and only there. Received: rule={rule!r}."
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the mask, all true, and the scores."""
        super().build(input_shape)
        if self.refresh == "stored":
            self.kept = self.add_weight(
                name="kept", shape=input_shape, dtype="bool", initializer="ones", trainable=False,
                aggregation="only_first_replica",
            )  # fmt: skip
        if self.learned_scores:
            self.scores = self.add_weight(name="scores", shape=input_shape, initializer="zeros", trainable=True)

    def transform(self, x: Tensor, training: bool) -> Tensor:
        """Returns x masked."""
        scores = ops.convert_to_tensor(self.scores) if self.learned_scores else None
        return backward.masked(x, self._mask(x), rule=self.rule, scores=scores, decay=self.decay)

    @property
    def passes_gradient(self) -> bool:
        """Whether gradients reach the weight, which they do but for rule supermask."""
        return self.rule != "supermask"

    @property
    def description(self) -> str:
        """The name of the pattern."""
        return str(self.pattern)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        return {
            **super().get_config(),
            "pattern": str(self.pattern),
            "rule": self.rule,
            "refresh": self.refresh,
            "learned_scores": self.learned_scores,
            "decay": self.decay,
        }

    def _mask(self, x: Tensor) -> Tensor:
        if self.refresh == "stored":
            return ops.convert_to_tensor(self.kept)
        return self.pattern.mask(ops.stop_gradient(ops.abs(x)))
