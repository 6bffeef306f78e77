"""Writes what was predicted: a sheet of pictures with classes and probabilities, and a table of all."""

import csv
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from source.callback import _folder, _sheet, callback
from source.config import settings
from source.config.config import require
from source.config.image_classification_config import ImageClassificationCallbackConfig

FOLDER = "infer"


@settings.settings
class Config(ImageClassificationCallbackConfig):
    """What the sheet of predictions knows.

    Attributes:
        max_images: pictures on the sheet, and predictions of files that are printed, at most; at least 1.
            The table holds all.
    """

    max_images: int = 36

    def __post_init__(self) -> None:
        ImageClassificationCallbackConfig.__post_init__(self)
        require(self.max_images >= 1, "max_images", "at least 1", self.max_images)


def build(config: ImageClassificationCallbackConfig) -> callback.Callback:
    """Returns the callback that writes `infer/predictions.png` and `infer/predictions.csv` below `model_dir`.

    The table has the columns file, class, name and probability, one row for each sample in their order.

    Args:
        config: `max_images` and `class_names` are read.
    """
    return _Display(settings.adopt(Config, config))


class _Display(callback.Callback):
    """Rows go to a file of another name as they come, so that memory holds only what is on the sheet."""

    config: Config
    modes = frozenset({"infer"})
    _folder: pathlib.Path
    _rows: TextIO

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._tiles: list[_sheet.Tile] = []
        self._count = 0

    def before_run(self, run: callback.Run) -> None:
        self._folder = _folder.folder_of(run, "infer_display_image_classification", FOLDER)
        self._files = _sample_names(run.inputter)
        self._names = self.config.class_names or run.inputter.class_names
        self._tiles, self._count = [], 0
        self._rows = open(self._folder / "predictions.csv.tmp", "w", encoding="utf-8", newline="")  # noqa: SIM115 (closed in after_run)
        csv.writer(self._rows, lineterminator="\n").writerow(("file", "class", "name", "probability"))

    def after_predict(self, run: callback.Run, outputs: Mapping[str, Any]) -> None:
        rows = csv.writer(self._rows, lineterminator="\n")
        for index, image, predicted, probabilities in zip(
            outputs["index"], outputs["image"], outputs["classes"], outputs["probabilities"], strict=True
        ):
            file = self._files[index] if self._files else str(index)
            label, probability = int(predicted), float(probabilities[predicted])
            name = self._names[label] if label < len(self._names) else str(label)
            rows.writerow((file, label, name, f"{probability:.6f}"))
            if self._count < self.config.max_images:
                self._tiles.append(_sheet.Tile(image, (name, f"{probability:.4f}")))
                if self._files:
                    run.say(f"{file}: {name} ({probability:.4f})")
            self._count += 1

    def after_run(self, run: callback.Run) -> None:
        self._rows.close()
        table = self._folder / "predictions.csv"
        pathlib.Path(self._rows.name).replace(table)
        run.say(f"Wrote {self._count:,} predictions to {table}.")
        if self._tiles:
            sheet = self._folder / "predictions.png"
            _sheet.draw(self._tiles).save(sheet)
            run.say(f"Wrote {len(self._tiles):,} pictures to {sheet}.")


def _sample_names(inputter: Any) -> Sequence[str]:
    """Names of the samples in their order; none where the inputter has no files, then positions stand in."""
    return inputter.sample_names() if hasattr(inputter, "sample_names") else ()
