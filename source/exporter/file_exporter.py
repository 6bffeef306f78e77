"""Exporters that write one file: written under another name, run, compared with the model, then put in place."""

import abc
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from source.config.config import require
from source.config.errors import ConfigError, DataError, ExportError
from source.config.settings import settings
from source.exporter import _place
from source.exporter.artefact.artefact import size_on_disk
from source.exporter.artefact.keras_file import KerasModel
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.exporter import Exporter, ExporterConfig
from source.exporter.report import ExportReport
from source.exporter.verification import Difference, as_examples, differences, made_examples
from source.layer.compressed import transformations_of
from source.surgery.bake import bake
from source.surgery.rewrite import refuse_other_models


@settings
class FileExporterConfig(ExporterConfig):
    """What every exporter of one file knows.

    Attributes:
        examples: how many inputs the file is compared with the model on.
        tolerance: largest difference that is accepted, as a share of the range of the model's output; None takes
            what the exporter's page says.
    """

    examples: int = 64
    tolerance: float | None = None

    def __post_init__(self) -> None:
        require(self.examples > 0, "examples", "positive", self.examples)
        require(self.tolerance is None or self.tolerance >= 0, "tolerance", "at least 0", self.tolerance)


class FileExporter(Exporter):
    """Writes a Keras model as one file and verifies the file.

    Attributes:
        suffix: of the file, with its dot.
        config: the settings.
        name: of the plugin.
    """

    suffix: ClassVar[str]
    config: FileExporterConfig

    def __init__(self, config: FileExporterConfig) -> None:
        self.config = config
        self.name = type(self).__module__.rpartition(".")[2]

    @abc.abstractmethod
    def write(self, model: keras.Model, path: pathlib.Path, examples: Sequence[np.ndarray]) -> Sequence[str]:
        """Writes the file and returns what there is to say of it, one line each.

        Args:
            model: plain: no layer is wrapped any more.
            path: where to write; its folder exists, it does not.
            examples: inputs, one array (b, ...) an input: real ones where there are.

        Raises:
            ConfigError: for a model that cannot be written so, naming the layer.
        """

    def tolerance(self, model: keras.Model) -> float:
        """Returns the largest difference that is accepted unless the settings say so, a share of the output's range.

        Args:
            model: that is written.
        """
        return 1e-4

    def expected(self, model: keras.Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns what the file should answer.

        Args:
            model: that was written.
            inputs: one array an input.
        """
        return KerasModel(pathlib.Path(), model).run(inputs)

    def answered(self, path: pathlib.Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns what the file answers.

        Args:
            path: of the file.
            inputs: one array an input.
        """
        return open_artefact(path).run(inputs)

    def export_model(self, model: keras.Model, path: pathlib.Path, examples: Any = None) -> ExportReport:
        """Writes a model, runs the file, and puts it in place if it answers what the model answers.

        A report stands beside the file, as `<file>.report.json`. A file that differs too much is left as
        `<file>.rejected`.

        Args:
            model: built; one that is still prepared by a compressor is written as it is finished now.
            path: of the file.
            examples: inputs of the model to compare on: an array (b, ...), or a list of one an input. Without,
                random numbers are taken, which say less.

        Returns:
            The file's bytes and differences.

        Raises:
            ConfigError: for a model that cannot be written so, or a file that may not be replaced.
            ExportError: if the file differs too much from the model.
        """
        self.refuse_taken(path)
        refuse_other_models(model)
        plain = bake(model) if any(True for _ in transformations_of(model)) else model
        inputs = self._inputs(plain, examples)

        def write_and_compare(written: pathlib.Path) -> ExportReport:
            notes = self.write(plain, written, inputs)
            outputs = differences(self.expected(plain, inputs), self.answered(written, inputs))
            return self.report(plain, written, outputs, len(inputs[0]), examples is not None, notes)

        return self.put_in_place(path, write_and_compare)

    def refuse_taken(self, path: pathlib.Path) -> None:
        """Refuses a path where there is something that may not be replaced.

        Args:
            path: of the file.

        Raises:
            ConfigError: if there is.
        """
        if path.exists() and not self.config.overwrite:
            raise ConfigError(f"{path} exists already. Take another name, or replace it with `overwrite=True`.")

    def put_in_place(
        self, path: pathlib.Path, write_and_compare: Callable[[pathlib.Path], ExportReport]
    ) -> ExportReport:
        """Writes under another name and puts what is written in place if it answers what the model answers.

        Args:
            path: where it belongs.
            write_and_compare: writes it where it is told and returns what has come of it.

        Raises:
            ExportError: if it differs too much from the model.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.stem}.writing{path.suffix}")
        _place.remove(written)  # of an export that was killed
        try:
            report = write_and_compare(written)
            final = path if report.accepted else path.with_name(f"{path.name}.rejected")
            _place.move(written, final)
        finally:
            _place.remove(written)
        report = report.at(final)
        report.write(final.with_name(f"{final.name}.report.json"))
        if not report.accepted:
            raise ExportError(
                f"{self.name}: the file answers otherwise than the model: the largest difference is "
                f"{report.relative:.3g} of the range of the outputs, and {report.tolerance:.3g} is accepted. It is "
                f"left as {final}."
            )
        return report

    def report(
        self,
        model: keras.Model,
        path: pathlib.Path,
        outputs: Sequence[Difference],
        examples: int,
        real_examples: bool,
        notes: Sequence[str],
    ) -> ExportReport:
        """Returns what has come of a file.

        Args:
            model: that was written.
            path: of the file.
            outputs: how far each output is from the model's.
            examples: how many inputs were compared.
            real_examples: whether they were given.
            notes: what else there is to say, one line each.
        """
        tolerance = self.config.tolerance
        return ExportReport(
            exporter=self.name,
            path=path,
            bytes=size_on_disk(path),
            examples=examples,
            real_examples=real_examples,
            outputs=tuple(outputs),
            tolerance=self.tolerance(model) if tolerance is None else tolerance,
            notes=tuple(notes),
        )

    def export(self, modeler: Any, inputter: Any, folder: pathlib.Path) -> pathlib.Path:
        """Writes the model below a folder of the exporter's own and returns the file.

        Args:
            modeler: holds the model, with the weights to write.
            inputter: holds the data to compare on.
            folder: `<export_dir>/<export_version>`; the file is `<export_dir>/<exporter>/<export_version>/model.*`.
        """
        path = folder.parent / self.name / folder.name / f"model{self.suffix}"
        return self.export_model(modeler.model, path, _real_examples(inputter, self.config.examples)).path

    def _inputs(self, model: keras.Model, examples: Any) -> list[np.ndarray]:
        specs = [(tuple(each.shape), keras.backend.standardize_dtype(each.dtype)) for each in model.inputs]
        if examples is None:
            return made_examples(specs, self.config.examples)
        given = [each[: self.config.examples] for each in as_examples(examples)]
        if len(given) != len(specs) or not all(len(each) for each in given):
            raise DataError(f"examples: expected {len(specs)} arrays of inputs, none empty. Received: {len(given)}.")
        KerasModel(pathlib.Path("examples"), model).check_inputs(given)
        return given


def _real_examples(inputter: Any, count: int) -> np.ndarray | None:
    """Returns images as the network sees them, of the evaluation data if there are, else of the training data."""
    mode = "evaluate" if inputter.has_evaluation_data else "train"
    batches, found = iter(inputter.input_fn(mode)), 0
    images = []
    while found < count and (batch := next(batches, None)) is not None:
        images.append(batch["image"].numpy()[batch["weight"].numpy() > 0])  # the last batch is padded
        found += len(images[-1])
    return np.concatenate(images)[:count] if images else None
