"""Takes the state of a run to its checkpoints and back."""

import itertools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from source.config.errors import CheckpointError
from source.config.nearest import did_you_mean
from source.runner._checkpoint import (
    Checkpoint,
    checkpoint_path,
    list_checkpoints,
    read_checkpoint,
    remove_old_checkpoints,
    write_checkpoint,
)

# What the order of the data follows from: a run that resumed with another value would see other batches.
_IDENTITY = {
    "seed": "the inputter's seed",
    "batch_size": "the global batch",
    "num_samples": "the training examples",
}


class Saver:
    """Saves and restores the variables of a modeler, the step, and what callbacks remember."""

    def __init__(
        self,
        model_dir: pathlib.Path,
        variables: Mapping[str, Any],
        identity: Mapping[str, int],
        compression: Sequence[Sequence[str]] = (),
    ) -> None:
        """Stores what to save.

        Args:
            model_dir: folder of the run.
            variables: everything that a checkpoint holds, by name.
            identity: `seed`, `batch_size` and `num_samples`, which a resumed run must share.
            compression: what the model's tensors are seen through, which every use of a checkpoint must share:
                name of the layer, place and description, in the model's order.
        """
        self._model_dir = model_dir
        self._variables = dict(variables)
        self._identity = dict(identity)
        self._compression = [list(seen) for seen in compression]
        self._requested: list[tuple[pathlib.Path, int | None]] = []

    @property
    def folder(self) -> pathlib.Path:
        """The folder from which a run resumes."""
        return self._model_dir / "checkpoints"

    def request(self, folder: str, step: int, keep: int | None) -> pathlib.Path:
        """Notes that a checkpoint is wanted and returns where it will be.

        Args:
            folder: where, below the folder of the run.
            step: the step it is of.
            keep: newest checkpoints of that folder to keep; None keeps all.
        """
        path = checkpoint_path(self._model_dir / folder, step)
        self._requested.append((path, keep))
        return path

    def save_requested(self, step: int, callbacks: Mapping[str, Any]) -> None:
        """Writes the checkpoints that were asked for, each under a temporary name first.

        Args:
            step: steps done.
            callbacks: what the callbacks remember.
        """
        if not self._requested:
            return
        arrays = {name: _to_numpy(variable) for name, variable in self._variables.items()}
        record = {"identity": self._identity, "compression": self._compression, "callbacks": dict(callbacks)}
        checkpoint = Checkpoint(arrays, {"step": step, **record})
        for path, keep in dict(self._requested).items():
            write_checkpoint(path, checkpoint)
            if keep is not None:
                remove_old_checkpoints(path.parent, keep)
        self._requested = []

    def restore_latest(
        self, say: Callable[[str], None], to_go_on: bool, step: int | None = None
    ) -> Mapping[str, Any] | None:
        """Restores the newest readable checkpoint and returns its record; None if there is no checkpoint.

        Args:
            say: told which files had to be passed over.
            to_go_on: whether training is to go on, which needs the same order of the data and the optimizer's state;
                otherwise neither is looked at.
            step: of the only checkpoint that will do; None takes the newest.

        Raises:
            CheckpointError: if there are checkpoints but none can be read, or they are of another model.
        """
        found = [each for each in list_checkpoints(self.folder) if step in (None, each[0])]
        for _, path in reversed(found):
            try:
                checkpoint = read_checkpoint(path)
            except CheckpointError as error:
                say(f"{error} Falling back to the one before.")
                continue
            self._check_compression(path, checkpoint.record.get("compression"))
            if to_go_on:
                self._check_identity(checkpoint.record)
                _assign(path, self._variables, checkpoint.arrays)
            else:
                _assign(path, _without_optimizer(self._variables), _without_optimizer(checkpoint.arrays))
            return checkpoint.record
        if found:
            raise CheckpointError(
                f"{self.folder}: none of the {len(found)} checkpoints can be read. Remove them to start anew."
            )
        return None

    def _check_identity(self, record: Mapping[str, Any]) -> None:
        """Refuses to go on with data in another order than the checkpoint's."""
        for name, meaning in _IDENTITY.items():
            then, now = record["identity"][name], self._identity[name]
            if then != now:
                raise CheckpointError(
                    f"{self.folder}: made with {name}={then}, now {meaning} is {now}: "
                    f"the run cannot go on with the same batches. Set it back, or start in another `model_dir` with "
                    f"`pretrained_model`."
                )

    def _check_compression(self, path: pathlib.Path, then: Sequence[Sequence[str]] | None) -> None:
        """Refuses a model whose weights are seen otherwise than those of the checkpoint were.

        Layers are told by their order, because names that Keras made differ from process to process.
        """
        if then is None:
            return
        nothing = ("", "", "nothing")
        for now, before in itertools.zip_longest(self._compression, then, fillvalue=nothing):
            if list(now[1:]) != list(before[1:]):
                layer, place, _ = before if before is not nothing else now
                raise CheckpointError(
                    f"{path}: made with {place} of layer `{layer}` seen through {before[2]}; in this model it is "
                    f"{now[2]}. Give the settings of the compressor of that run, and its `pretrained_model`."
                )


def _without_optimizer(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.startswith("optimizer/")}


def _assign(path: pathlib.Path, variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Assigns by name; by order where automatic layer names differ but every shape agrees."""
    pairs = list(zip(variables.values(), arrays.values(), strict=False))
    if set(arrays) == set(variables):
        pairs = [(variable, arrays[name]) for name, variable in variables.items()]
    elif len(arrays) != len(variables) or any(tuple(v.shape) != a.shape for v, a in pairs):
        raise CheckpointError(_difference(path, set(variables), set(arrays)))
    for name, (variable, array) in zip(variables, pairs, strict=True):
        if tuple(variable.shape) != array.shape:
            raise CheckpointError(
                f"{path}: `{name}` has shape {array.shape} there, {tuple(variable.shape)} in this model. "
                f"Is it another network, or another number of classes?"
            )
        variable.assign(array)


def _difference(path: pathlib.Path, wanted: set[str], stored: set[str]) -> str:
    missing, extra = sorted(wanted - stored), sorted(stored - wanted)
    example = missing[0] if missing else extra[0]
    side = "is not in the file" if missing else "is only in the file"
    return (
        f"{path}: of another model or optimizer: `{example}` {side} "
        f"({len(missing)} missing, {len(extra)} extra). {did_you_mean(example, stored if missing else wanted)}"
    )


def _to_numpy(variable: Any) -> np.ndarray:
    return np.asarray(variable.numpy())
