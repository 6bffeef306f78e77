"""Prints a digest of every mask, and of the gradients of every rule, on the backend that KERAS_BACKEND names.

KERAS_BACKEND=jax python -m tests.sparsity.print_masks
"""

import hashlib
import importlib
import json

import keras
import numpy as np
from keras import ops

from source.sparsity import score, sparsity_pattern, threshold
from source.sparsity.backward import RULES, masked
from source.sparsity.global_mask import global_masks
from tests.sparsity.patterns import CHOOSING, NAMES, normal_scores, tied_scores


def digests() -> dict[str, str]:
    """Returns a digest of the mask for every pattern and kind of scores, of other masks, and of gradients."""
    scores = {"normal": normal_scores(), "tied": tied_scores(), "uniform": np.asarray(score.random((2, 3, 12, 8), 5))}
    found = {}
    for label, each in scores.items():
        for name in NAMES:
            found[f"{name} {label}"] = digest(sparsity_pattern(name).mask(each))
        for name in CHOOSING:
            found[f"{name} {label} 0.4"] = digest(sparsity_pattern(name).mask(each, ops.convert_to_tensor(0.4)))
        for place, mask in enumerate(global_masks([each, each[0]], 0.3, floors=0.1)):
            found[f"global {label} {place}"] = digest(mask)
        for alpha in (-0.5, 0.0, 0.7):
            found[f"threshold {label} {alpha}"] = digest(threshold.threshold_mask(ops.convert_to_tensor(each), alpha))
    for rule in RULES:
        found[rule] = digest(gradient(rule))
    return found


def gradient(rule: str) -> np.ndarray:
    """Returns the gradient of what learns by a rule: of the weight, or of the scores of a supermask."""
    w, scores, mask = normal_scores((4, 4), seed=1), normal_scores((4, 4), seed=2), normal_scores((4, 4)) > 0.5

    upstream = ops.convert_to_tensor(w)

    def value(learning: object) -> object:
        if rule == "supermask":
            return ops.sum(masked(w, mask, rule, learning) * upstream)
        given = ops.convert_to_tensor(scores) if rule == "joint" else None
        return ops.sum(masked(learning, mask, rule, given, decay=0.25) * upstream)

    start = ops.convert_to_tensor(scores if rule == "supermask" else w)
    if keras.backend.backend() == "jax":
        return np.asarray(importlib.import_module("jax").grad(value)(start))
    if keras.backend.backend() == "torch":
        value(start.requires_grad_()).backward()
        return start.grad.numpy()
    with importlib.import_module("tensorflow").GradientTape() as tape:
        tape.watch(start)
        result = value(start)
    return tape.gradient(result, start).numpy()


def digest(numbers: object) -> str:
    """Returns a digest of a mask, or of float32 numbers."""
    return hashlib.sha256(np.asarray(ops.convert_to_numpy(numbers)).tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps(digests()))
