"""Writes predictions batch by batch: probabilities as .npy, an answer as JSON, pictures in folders of their class."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from source.callback import callback
from source.callback._sheet import as_picture
from source.command.prediction import Prediction, rendered
from source.config.config import CallbackConfig

_NO_NAME_OF_A_FILE = re.compile(r"[/\\\0]|^\.{1,2}$")


class InferFiles(callback.Callback):
    """Writes `npy/<b>.npy`, `json/<b>.json` and `images/<b>/<class>/<name>.png` of each batch b, from 0."""

    modes = frozenset({"infer"})

    def __init__(self, folder: Path) -> None:
        super().__init__(CallbackConfig())
        self._folder = folder
        self._batch = 0
        self._count = 0

    def before_run(self, run: callback.Run) -> None:
        """Makes the folders."""
        for name in ("npy", "json", "images"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        self._files = run.inputter.sample_names() if hasattr(run.inputter, "sample_names") else ()
        self._names = tuple(run.inputter.class_names)
        self._batch = self._count = 0

    def after_predict(self, run: callback.Run, outputs: Mapping[str, Any]) -> None:
        """Writes a batch."""
        probabilities = np.asarray(outputs["probabilities"])
        np.save(self._folder / "npy" / f"{self._batch}.npy", probabilities)
        places = [self._files[index] if self._files else str(index) for index in outputs["index"]]
        rows = [
            Prediction(place, tuple(float(str(value)) for value in row))
            for place, row in zip(places, probabilities, strict=True)
        ]
        text = rendered(rows, "json", self._names, "probability")
        (self._folder / "json" / f"{self._batch}.json").write_text(text, encoding="utf-8")
        for place, row, image in zip(places, rows, outputs["image"], strict=True):
            self._write_picture(place, self._name_of(row.best), image)
        self._batch += 1
        self._count += len(rows)

    def after_run(self, run: callback.Run) -> None:
        """Says what was written."""
        run.say(f"Wrote {self._count:,} predictions in {self._batch:,} batches to {self._folder}.")

    def _name_of(self, label: int) -> str:
        name = self._names[label] if label < len(self._names) else str(label)
        return _NO_NAME_OF_A_FILE.sub("_", name) or str(label)

    def _write_picture(self, place: str, class_name: str, image: np.ndarray) -> None:
        """Writes the picture itself where it is a file; otherwise what the network saw, stretched to all shades."""
        folder = self._folder / "images" / str(self._batch) / class_name
        folder.mkdir(parents=True, exist_ok=True)
        base, number = Path(place).stem if self._files else place, 1
        target = folder / f"{base}.png"
        while target.exists():  # two files of one name, from different folders
            number += 1
            target = folder / f"{base}_{number}.png"
        if self._files:
            with PIL.Image.open(place) as picture:
                picture.convert("RGB").save(target)
        else:
            PIL.Image.fromarray(as_picture(image)).save(target)
