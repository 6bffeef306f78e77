"""What an exporter is."""

import abc
import pathlib
from typing import Any

from source.config.settings import settings


@settings
class ExporterConfig:
    """What every exporter knows.

    Attributes:
        overwrite: replace what is in the folder already; otherwise that is an error.
    """

    overwrite: bool = False


class Exporter(abc.ABC):
    """Writes a model with the preprocessing that it was trained with."""

    @abc.abstractmethod
    def export(self, modeler: Any, inputter: Any, folder: pathlib.Path) -> pathlib.Path:
        """Writes the model and returns where.

        Args:
            modeler: holds the model, with the weights to write.
            inputter: holds the preprocessing.
            folder: where to write; its parents are made if need be.

        Raises:
            ConfigError: if there is something already and it may not be replaced.
        """
