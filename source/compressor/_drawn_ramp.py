"""A ramp some of whose due steps are left out by chance, ever more of them, the same ones in every run."""

import dataclasses

from keras import ops

from source.sparsity import score
from source.sparsity.ramp import Ramp

# Keeps the draws of neighbouring seeds apart: an odd number near 2^32 divided by the golden ratio.
_STRIDE = 0x9E3779B1


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawnRamp(Ramp):
    """A due step of a ramp stays one with probability (1 + decay * (step - first))^-power; the first and last always.

    Guo et al.: Dynamic network surgery, 2016, https://arxiv.org/abs/1608.04493, section 3.3. The draw is a function of
    seed and step alone.

    Attributes:
        ramp: the sparsity over the steps.
        decay: for each step, not negative; 0 leaves every due step in.
        power: not negative.
        seed: of the draws.
    """

    ramp: Ramp
    decay: float
    power: float
    seed: int

    @property
    def last_step(self) -> int:
        """That of the ramp."""
        return self.ramp.last_step

    def is_due(self, step: int) -> bool:
        """Returns whether a step is due and was drawn."""
        return self.ramp.is_due(step) and self._is_drawn(step)

    def next_due(self, step: int) -> int | None:
        """Returns the first of them after a step."""
        following = self.ramp.next_due(step)
        while following is not None and not self._is_drawn(following):
            following = self.ramp.next_due(following)
        return following

    def value(self, step: int) -> float:
        """Returns the sparsity of the ramp at the last of them."""
        while step > 0 and not self.is_due(step) and step <= self.last_step:
            step -= 1
        return self.ramp.value(step)

    def _is_drawn(self, step: int) -> bool:
        first = self.ramp.next_due(-1) or 0
        if self.decay == 0 or step in (first, self.last_step):
            return True
        probability = (1.0 + self.decay * (step - first)) ** -self.power
        return float(ops.convert_to_numpy(score.random((1,), self.seed * _STRIDE + step))[0]) < probability
