"""How far what a file answers is from what the model answers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Difference:
    """One output of a file beside the same output of the model.

    Attributes:
        largest: largest absolute difference; infinite if one has a NaN or another shape where the other has not.
        mean: mean absolute difference.
        reference_range: largest less smallest number of the model's output, over all examples.
        agreement: share of examples, or of their places, where the largest along the last axis is at the same index;
            None where the last axis has one number.
    """

    largest: float
    mean: float
    reference_range: float
    agreement: float | None

    @property
    def relative(self) -> float:
        """The largest difference as a share of the range; of 1 where the model's output is constant."""
        return self.largest / (self.reference_range or 1.0)


def difference(reference: np.ndarray, found: np.ndarray) -> Difference:
    """Returns how far an output is from the model's.

    Args:
        reference: what the model answers (b, ...).
        found: what the file answers.
    """
    expected, answered = np.asarray(reference, np.float64), np.asarray(found, np.float64)
    if expected.shape != answered.shape or not np.array_equal(np.isfinite(expected), np.isfinite(answered)):
        return Difference(float("inf"), float("inf"), 1.0, None)
    expected, answered = np.nan_to_num(expected), np.nan_to_num(answered)
    gap = np.abs(expected - answered)
    agreement = None
    if expected.ndim > 1 and expected.shape[-1] > 1:
        agreement = float(np.mean(expected.argmax(-1) == answered.argmax(-1)))
    return Difference(float(gap.max(initial=0.0)), float(gap.mean()), float(np.ptp(expected)), agreement)


def differences(reference: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> list[Difference]:
    """Returns the difference of each output.

    Args:
        reference: the model's outputs.
        found: the file's outputs; missing ones differ infinitely.
    """
    missing = np.zeros((0,))
    answered = [*found, *[missing] * (len(reference) - len(found))]
    return [difference(mine, theirs) for mine, theirs in zip(reference, answered[: len(reference)], strict=True)]


def made_examples(specs: Sequence[tuple[Sequence[int | None], str]], count: int) -> list[np.ndarray]:
    """Returns inputs to try a model on when no real ones are given: normal numbers, or small integers, of seed 0.

    Args:
        specs: shape (None for a free length) and dtype of every input.
        count: of examples.
    """
    random = np.random.default_rng(0)
    examples = []
    for shape, dtype in specs:
        lengths = (count, *(length or 1 for length in shape[1:]))
        is_float = "float" in dtype
        examples.append((random.normal(size=lengths) if is_float else random.integers(0, 2, lengths)).astype(dtype))
    return examples


def as_examples(given: Any) -> list[np.ndarray]:
    """Returns given inputs as a list of arrays, one an input.

    Args:
        given: one array (b, ...), or a list of them.
    """
    return [np.asarray(each) for each in (given if isinstance(given, (list, tuple)) else [given])]
