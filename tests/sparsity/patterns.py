"""Names of patterns that every contract is tested with, and a plain way to choose that they are held to."""

import math

import numpy as np

from source.sparsity.pattern import GroupPattern, NOfM, Pattern

# All kinds, with the options that change the path of computation: groups compared in pairs and by counting, a last
# group that is shorter, axes of both signs.
NAMES = (
    *("DENSE", "BERN", "BERN{7}", "TOPK{0.35}", "TOPK{1.0}", "BLOCK{0.35,4x4}", "BLOCK{0.5,1x2}", "KERNEL{0.35}"),
    *("CHANNEL{0.35,-1}", "CHANNEL{0.5,2}", "BTOPK{2:4,-1}", "BTOPK{1:4,-2}", "BTOPK{3:5,-1}", "BTOPK{2:8,2}"),
    *("BTOPK{5:12,-2}", "BTOPK{3:16,0}"),
)
EXACT = tuple(name for name in NAMES if not name.startswith("BERN"))
CHOOSING = tuple(name for name in EXACT if name != "DENSE")
SHAPE = (2, 3, 12, 8)


def normal_scores(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    """Returns magnitudes of normal numbers."""
    return np.abs(np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def tied_scores(shape: tuple[int, ...] = SHAPE, seed: int = 1) -> np.ndarray:
    """Returns scores of which many are equal, of both signs and both zeros."""
    return np.random.default_rng(seed).integers(-2, 3, size=shape).astype(np.float32) * np.float32(0.5)


def reference_mask(pattern: Pattern, scores: np.ndarray, density: float | None = None) -> np.ndarray:
    """Returns the mask by stable sorting."""
    share = pattern.density if density is None else density
    if isinstance(pattern, GroupPattern):
        sums = np.asarray(pattern.group_scores(scores))
        return np.asarray(pattern.expand(best(sums, round_half_up(sums.size * share)), scores.shape))
    if not isinstance(pattern, NOfM):
        return np.ones(scores.shape, bool)
    kept = round_half_up(pattern.of * share)
    lines = np.moveaxis(scores, pattern.axis, -1)
    mask = np.zeros(lines.shape, bool)
    for line in np.ndindex(lines.shape[:-1]):
        for begin in range(0, lines.shape[-1], pattern.of):
            group = lines[line][begin : begin + pattern.of]
            mask[line][begin : begin + pattern.of] = best(group, math.ceil(kept * group.size / pattern.of))
    return np.moveaxis(mask, -1, pattern.axis)


def best(scores: np.ndarray, kept: int) -> np.ndarray:
    """Returns where the largest are, the earlier of equal ones."""
    mask = np.zeros(scores.size, bool)
    mask[np.argsort(-(scores + 0.0), kind="stable")[:kept]] = True
    return mask


def round_half_up(number: float) -> int:
    """Returns the nearest integer; 1e-9 takes back the rounding of products such as 10 * 0.35."""
    return math.floor(number + 0.5 + 1e-9)
