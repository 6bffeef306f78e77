"""The first evaluation examples of a recipe as arrays: images as the network sees them, and labels."""

from typing import Any

import numpy as np

_MOST_BYTES = 2**30  # of images in memory


def evaluation_examples(inputter: Any, limit: int | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns images float32 (n, h, w, c) and labels (n,); None where there is nothing to evaluate on.

    Args:
        inputter: of an application.
        limit: most examples, at least 1; None takes all. Of both, no more than 1 GiB of images.
    """
    if not inputter.has_evaluation_data:
        return None
    height, width, channels = inputter.image_shape
    most = max(1, _MOST_BYTES // (4 * height * width * channels))
    wanted = min(most, limit or most)
    images, labels, found = [], [], 0
    for batch in inputter.input_fn("evaluate"):
        real = batch["weight"].numpy() > 0  # the last batch is filled up
        images.append(batch["image"].numpy()[real])
        labels.append(batch["label"].numpy()[real])
        found += len(images[-1])
        if found >= wanted:
            break
    return np.concatenate(images)[:wanted], np.concatenate(labels)[:wanted]
