"""A mask that a threshold makes: entries go below it, and come back above it."""

from typing import Any

import keras
from keras import ops

from source.layer.mask import Mask
from source.layer.transformation import Tensor
from source.sparsity.backward import Rule
from source.sparsity.base import Pattern
from source.sparsity.threshold import surgery_mask


@keras.saving.register_keras_serializable(package="espalier")
class SurgeryMask(Mask):
    """w where |w| is above a threshold t = mean |w| + alpha * std |w|, with some room: that of dynamic network surgery.

    `splice` brings entries above on_factor * t back, and prunes those up to off_factor * t; between the two they stay
    what they are. `splice_to` finds the t that leaves a given share. Guo et al.: Dynamic network surgery, 2016, https://arxiv.org/abs/1608.04493

    Attributes:
        pattern: says how many entries are wanted, and how they are counted in bytes; "TOPK{1.0}" where `alpha` decides.
        rule: how gradients pass; "ste" lets pruned entries grow back.
        alpha: of the last threshold; None where `pattern` says how many entries are wanted.
        on_factor: at least `off_factor`.
        off_factor: positive.
    """

    def __init__(
        self,
        pattern: str | Pattern = "TOPK{1.0}",
        rule: Rule = "ste",
        alpha: float | None = None,
        on_factor: float = 1.1,
        off_factor: float = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(pattern, rule=rule, **kwargs)
        self.alpha = alpha
        self.on_factor = on_factor
        self.off_factor = off_factor

    def splice(self, w: Tensor, alpha: float | Tensor) -> None:
        """Prunes and splices by the threshold of an alpha.

        Args:
            w: the weight as the mask sees it, pruned entries too.
            alpha: any number; larger is sparser.
        """
        self.kept.assign(
            surgery_mask(w, ops.convert_to_tensor(self.kept), alpha, self.on_factor, self.off_factor)
        )  # fmt: skip

    def splice_to(self, w: Tensor, density: float) -> None:
        """Prunes and splices by the threshold that leaves exactly round(entries * density) entries.

        That threshold lies between two neighbours among |w| / off_factor of kept entries and |w| / on_factor of pruned
        ones, so that the largest of these live.

        Args:
            w: as for `splice`.
            density: in [0, 1].
        """
        magnitude = ops.abs(w)
        ahead = ops.where(ops.convert_to_tensor(self.kept), magnitude * (self.on_factor / self.off_factor), magnitude)
        self.kept.assign(self.pattern.mask(ahead, density))

    def keep_exactly(self, w: Tensor, density: float) -> None:
        """Keeps round(entries * density) entries, those of the largest |w|, whatever was kept before.

        Args:
            w: as for `splice`.
            density: in [0, 1].
        """
        self.kept.assign(self.pattern.mask(ops.abs(w), density))

    @property
    def description(self) -> str:
        """How the threshold is found."""
        return f"surgery {self.pattern}" if self.alpha is None else f"surgery alpha={self.alpha:g}"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        fixed = ("refresh", "learned_scores", "decay")
        config = {key: value for key, value in super().get_config().items() if key not in fixed}
        return {**config, "alpha": self.alpha, "on_factor": self.on_factor, "off_factor": self.off_factor}
