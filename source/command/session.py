"""One command line at work: the recipe as it stands, and the application that consecutive actions share."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from source.command.error_place import located
from source.config.errors import ConfigError, EspalierError
from source.config.recipe.parts import Parts, parts_of
from source.config.recipe.recipe import Recipe
from source.config.recipe.tree import nearest_above, plain
from source.config.recipe.yaml_text import Located
from source.config.shown import shown

DEFAULT = "default.yaml"
_OPTIONS = {
    "network": "network_options",
    "augmenter": "augmenter_options",
    "batch_augmenter": "batch_augmenter_options",
    "compressor": "compressor_options",
}
_ID = re.compile(r"[\w][\w.+-]*(/[\w][\w.+-]*)*", re.ASCII)
_DESCRIBED = "yaml_graph"  # a network that the recipe itself describes
_LONGEST_ID = 120


class Session:
    """A recipe and what was built of it.

    Attributes:
        recipe: files and settings so far.
        may_differ: whether a run that is there may go on with other settings.
        run_folder: folder of the run, whatever the recipe says of it; None follows the recipe.
    """

    def __init__(self) -> None:
        """Begins with the defaults and the folders that the environment names."""
        folders = {
            "data_dir": os.environ.get("DATA_DIR") or "data",
            "output_dir": os.environ.get("OUTPUT_DIR") or "runs",
        }
        self.recipe = Recipe({"name": None, "id": None, "recreate": False, **folders})
        self.recipe.add_shipped(DEFAULT)
        self.may_differ = False
        self.run_folder: Path | None = None
        self._resolved: Located | None = None
        self._parts: Parts | None = None
        self._runner: Any = None

    def add_file(self, name: str) -> None:
        """Merges a file; what was built is dropped.

        Args:
            name: of the file.
        """
        self.recipe.add_file(name)
        self._drop()

    def add_setting(self, text: str) -> None:
        """Merges `key=value`; what was built is dropped.

        Args:
            text: of the setting.
        """
        self.recipe.add_setting(text)
        self._drop()

    def copied(self, *settings: str) -> "Session":
        """Returns a session of the same recipe and folder, which shares nothing that was built.

        Args:
            *settings: `key=value` that it has beyond the recipe.
        """
        other = Session()
        other.recipe.tree, other.recipe.files = self.recipe.tree, list(self.recipe.files)
        other.may_differ, other.run_folder = self.may_differ, self.folder
        for text in settings:
            other.add_setting(text)
        return other

    @property
    def resolved(self) -> Located:
        """The recipe with all references looked up."""
        if self._resolved is None:
            self._resolved = self.recipe.resolved()
        return self._resolved

    @property
    def parts(self) -> Parts:
        """The parts of the application, checked as far as their sources tell."""
        if self._parts is None:
            parts = parts_of(self.resolved)
            if parts.names["network"] == _DESCRIBED:
                from source.network import _yaml_graph_check  # light, as descriptions are checked without Keras

                classes = {"num_classes": parts.shared["num_classes"]} if "num_classes" in parts.shared else {}
                with self.located_errors():
                    _yaml_graph_check.check({**classes, **parts.own["network"]})
            self._parts = parts
        return self._parts

    def setting(self, name: str) -> Any:
        """Returns a value from the top of the recipe; None if it says nothing of it.

        Args:
            name: of the setting.
        """
        found = self.resolved.value.get(name)
        return None if found is None else plain(found)

    @property
    def id(self) -> str:
        """What the run is called below `output_dir`: the names of the recipe's files, unless it says otherwise."""
        if self.run_folder is not None:
            return self.run_folder.resolve().name
        given = self.setting("id")
        if given is None:
            names = [Path(name).stem for name in self.recipe.files]
            return (
                re.sub(r"[^\w.+-]", "_", "-".join(names) or "run", flags=re.ASCII)[:_LONGEST_ID].lstrip(".-+") or "run"
            )
        if (
            not isinstance(given, (str, int))
            or isinstance(given, bool)
            or not _ID.fullmatch(str(given))
            or len(str(given)) > _LONGEST_ID
        ):
            raise ConfigError(
                f"{self.resolved.value['id'].place}: id: expected a name of letters, digits, `.`, `-` and `_`, which "
                f"may have `/` between parts. Received: {shown(given)}."
            )
        return str(given)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        if self.run_folder is not None:
            return self.run_folder
        if self.setting("model_dir") is not None:
            return self._path("model_dir")
        return self._path("output_dir") / self.id

    @property
    def is_built(self) -> bool:
        """Whether some action has asked for the runner since the recipe last changed."""
        return self._runner is not None

    @property
    def runner(self) -> Any:
        """The runner of the application, built when it is first asked for; this loads TensorFlow."""
        if self._runner is None:
            from source.command.assembly import Names, assemble

            parts = self.parts
            names = Names(
                inputter=parts.names["inputter"],
                modeler=parts.names["modeler"],
                runner=parts.names["runner"],
                callbacks=parts.names["callbacks"],
            )
            own = {key.removeprefix("callbacks."): value for key, value in parts.own.items()}
            with self.located_errors():
                self._runner = assemble(names, self._settings(parts), own=own)
        return self._runner

    @contextlib.contextmanager
    def located_errors(self) -> Iterator[None]:
        """Puts file and line before the message of an error that begins with the path of a setting."""
        try:
            yield
        except EspalierError as error:
            raise type(error)(located(str(error), self.resolved)) from None

    def _path(self, name: str) -> Path:
        """Returns the folder that a setting names."""
        given = self.setting(name)
        if not isinstance(given, str) or not given.strip() or "\n" in given:
            place = nearest_above(self.resolved, (name,)).place
            raise ConfigError(f"{place}: {name}: expected a folder. Received: {shown(given)}.")
        return Path(os.path.expanduser(given))

    def _settings(self, parts: Parts) -> dict[str, Any]:
        """Returns the settings that all parts are offered, and those that name further plugins."""
        settings = {**parts.shared, "model_dir": str(self.folder)}
        for key, options in _OPTIONS.items():
            if key in parts.names:
                settings[key] = parts.names[key]
                settings[options] = dict(parts.own[key])
        if parts.names["exporters"]:
            settings["exporters"] = tuple(parts.names["exporters"])
            settings["exporter_options"] = {
                name: dict(parts.own[f"exporters.{name}"]) for name in parts.names["exporters"]
            }
        return settings

    def _drop(self) -> None:
        self._resolved = self._parts = self._runner = None
