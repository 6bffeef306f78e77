"""`espalier plot MODEL_OR_RUN`: pictures of weights, activations, gates, or the curves of runs, as PNG or SVG files.

A run is a folder; its model is `finished.keras`. `--what` is weights for a file and curves for a folder, unless said
otherwise; several runs share pictures of curves.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from source.command.parser import Parser, UsageError
from source.command.quiet import import_quietly
from source.config.errors import DataError

if TYPE_CHECKING:
    from source.command.examples import Examples
    from source.exporter.picture.pictures import Pictures

SUMMARY = "draw weights, activations, gates, or the curves of runs"
COMPUTES = True
_KINDS = ("weights", "curves", "activations", "gates")
_NEED_EXAMPLES = ("activations", "gates")
_FINISHED = "finished.keras"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier plot`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument(
        "targets", metavar="MODEL_OR_RUN", nargs="+", help="a .keras, .esp or .npz file, or folders of runs"
    )
    parser.add_argument("--what", choices=_KINDS, help="default: weights of a file, curves of a folder")
    parser.add_argument("--output", metavar="FOLDER", help="default: plots in the folder of the run, or here")
    parser.add_argument("--format", choices=("png", "svg"), default="png", help="default: png")
    parser.add_argument("--names", metavar="PATTERN,...", help="weights or layers to draw, such as conv*; or metrics")
    parser.add_argument("--images", metavar="FILE", nargs="+", help="pictures, folders, patterns; or one .npy or .npz")
    parser.add_argument("--count", type=int, help="of examples, the first; default: 4 for activations, all for gates")
    parser.add_argument(
        "--normalize",
        choices=("none", "unit", "standardize"),
        default="none",
        help="of pictures; default: none, [0, 255]",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the pictures, says where, and returns the exit code 0.

    Args:
        arguments: `targets`, `what`, `output`, `format`, `names`, `images`, `count`, `normalize`.

    Raises:
        UsageError: for options that do not go together.
        DataError: for what cannot be read or drawn.
    """
    targets = [Path(each) for each in arguments.targets]
    what = arguments.what or ("curves" if targets[0].is_dir() else "weights")
    _check(arguments, targets, what)
    from source.exporter.picture.pictures import Pictures

    default = targets[0] / "plots" if targets[0].is_dir() else Path("plots")
    names = [word.strip() for word in (arguments.names or "").split(",") if word.strip()]
    with Pictures(Path(arguments.output) if arguments.output else default, arguments.format) as pictures:
        if what == "curves":
            _curves(targets, names, pictures)
        elif what == "weights":
            _weights(_model_file(targets[0], checkpoints=True), names, pictures)
        else:
            _answers(what, arguments, targets[0], names, pictures)
    print(f"wrote {len(pictures.paths)} pictures into {pictures.folder}")
    return 0


def _check(arguments: argparse.Namespace, targets: list[Path], what: str) -> None:
    for target in targets:
        if not target.exists():
            raise DataError(f"{target}: there is no such file or folder.")
        if what == "curves" and not target.is_dir():
            raise UsageError(f"--what=curves: expected the folder of a run. Received: {target}.")
    if len(targets) > 1 and what != "curves":
        raise UsageError(f"--what={what}: expected one model. Received: {len(targets)}.")
    if (arguments.images is None) == (what in _NEED_EXAMPLES):
        needs = "needs --images" if what in _NEED_EXAMPLES else "takes no --images"
        raise UsageError(f"--what={what} {needs}.")
    if arguments.count is not None and arguments.count < 1:
        raise UsageError(f"--count: expected at least 1. Received: {arguments.count}.")


def _model_file(target: Path, checkpoints: bool = False) -> Path:
    """Returns the file itself, or of a run its finished model, or else its newest checkpoint."""
    if not target.is_dir():
        return target
    found = sorted((target / "checkpoints").glob("checkpoint-*.npz")) if checkpoints else []
    for path in (target / _FINISHED, *reversed(found)):
        if path.is_file():
            return path
    raise DataError(f"{target}: there is no {_FINISHED} in this folder. Name a .keras file.")


def _curves(targets: list[Path], names: list[str], pictures: "Pictures") -> None:
    from source.command.record.curve_pictures import draw_curves
    from source.command.record.run_folder import read_run

    draw_curves([read_run(target) for target in targets], pictures, names)


def _weights(path: Path, names: list[str], pictures: "Pictures") -> None:
    import_quietly("tensorflow")
    from source.exporter.picture.weight_pictures import chosen_weights, draw_weights, stored_weights, weights_of

    found = stored_weights(path) if path.suffix == ".npz" else list(weights_of(_load(path)))
    for name, weight in chosen_weights(found, names):
        draw_weights(name, weight, pictures)


def _answers(what: str, arguments: argparse.Namespace, target: Path, names: list[str], pictures: "Pictures") -> None:
    from source.command.input_files import input_files

    files = input_files(arguments.images)
    model = _load(_model_file(target))
    examples = _examples(files, model, arguments, 4 if what == "activations" else None)
    if what == "activations":
        from source.exporter.picture.activation_pictures import draw_activations, layers_of

        draw_activations(model, examples.inputs, examples.names, layers_of(model, names), pictures)
        return
    from source.exporter.picture.gate_pictures import chosen_gates, draw_gate, read_gates

    for gate in chosen_gates(read_gates(model, examples.inputs, examples.labels), names):
        draw_gate(gate, pictures)


def _load(path: Path) -> Any:
    import_quietly("tensorflow")
    from source.command.profile import keras_model

    return keras_model(str(path))


def _examples(files: list[Path], model: Any, arguments: argparse.Namespace, most: int | None) -> "Examples":
    from source.command.examples import read_examples

    return read_examples(files, model.inputs[0].shape, arguments.normalize, arguments.count or most)
