"""Real data sets in the form of their own files, made of what the folder of data sets has."""

import pathlib

import numpy as np
import PIL.Image

CLASSES = 10


def cifar10_binaries(strips, folder):
    """Writes the binary files of CIFAR-10 from strips of pictures `<split>_<label>_<class>_<part>.webp`, shuffled."""
    for split, files in (("train", 5), ("test", 1)):
        images, labels = _strips(pathlib.Path(strips), split)
        order = np.random.RandomState(0).permutation(len(labels))
        rows = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(len(labels), -1)], axis=1)[order]
        names = [f"data_batch_{index + 1}" for index in range(files)] if files > 1 else ["test_batch"]
        for name, part in zip(names, np.split(rows, files), strict=True):
            part.tofile(folder / f"{name}.bin")
    return folder


def _strips(strips, split):
    images, labels = [], []
    for label in range(CLASSES):
        for file in sorted(strips.glob(f"{split}_{label}_*.webp")):
            with PIL.Image.open(file) as picture:
                images.append(np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3))
            labels.append(np.full(len(images[-1]), label, np.uint8))
    return np.concatenate(images), np.concatenate(labels)
