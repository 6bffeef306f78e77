"""`espalier predict MODEL INPUT...`: what an exported classifier says of pictures or arrays.

Pictures go to the folder of a SavedModel, which holds the preprocessing and the names of the classes. Every kind of
file (.keras, .tflite, .onnx, .esp, a SavedModel) takes arrays, .npy or .npz, as the model's own inputs.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from source.command.input_files import ARRAYS, input_files
from source.command.mistakes import MISTAKE
from source.command.parser import Parser, UsageError
from source.command.prediction import FORMATS, SUFFIXES, Prediction, rendered
from source.command.quiet import import_quietly
from source.config.errors import DataError

if TYPE_CHECKING:
    from source.exporter.artefact.artefact import Artefact

SUMMARY = "classify pictures or arrays with an exported file"
COMPUTES = True


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier predict`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("model", metavar="MODEL", help="the folder of a SavedModel, or a file for arrays")
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", help="pictures, folders, patterns; or .npy and .npz files"
    )
    parser.add_argument("--output", metavar="DIR", help="write DIR/predictions.json (.csv, .txt) instead of printing")
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the answer; default: text")
    parser.add_argument("--batch", type=int, default=32, help="inputs at a time; default: 32")


def run(arguments: argparse.Namespace) -> int:
    """Prints or writes the predictions; names inputs that are broken on standard error and goes on with the others.

    Args:
        arguments: `model`, `inputs`, `output`, `format`, `batch`.

    Returns:
        0, or 2 if there were broken inputs.

    Raises:
        UsageError: for inputs that do not exist, or pictures for a file that takes arrays alone.
        DataError: for a file that cannot be run.
    """
    if arguments.batch < 1:
        raise UsageError(f"--batch: expected at least 1. Received: {arguments.batch}.")
    model, files = Path(arguments.model), input_files(arguments.inputs)
    if not model.exists():
        raise DataError(f"{model}: there is no such file.")
    takes_arrays = files[0].suffix in ARRAYS
    if not takes_arrays and not model.is_dir():
        raise UsageError(
            f"{model}: takes arrays ({', '.join(ARRAYS)}), because no preprocessing is in it. For pictures, give the "
            f"folder of a SavedModel that a run has exported. Received: {files[0]}."
        )
    artefact = _opened(model)
    predictions, broken = [], 0
    for each in (_of_arrays if takes_arrays else _of_pictures)(artefact, files, arguments.batch):
        if isinstance(each, Prediction):
            predictions.append(each)
        else:
            broken += 1
            print(f"espalier: {each}", file=sys.stderr)
    has_probabilities = not takes_arrays or "output_probabilities" in getattr(artefact, "output_names", ())
    names = getattr(artefact, "class_names", ())
    text = rendered(predictions, arguments.format, names, "probability" if has_probabilities else "score")
    _put(text, arguments.output, SUFFIXES[arguments.format])
    return MISTAKE if broken else 0


def _opened(model: Path) -> "Artefact":
    import_quietly("tensorflow")
    from source.exporter.artefact.open_artefact import open_artefact

    return open_artefact(model)


def _of_pictures(artefact: Any, files: list[Path], batch: int) -> Iterator[Prediction | DataError]:
    """Yields what is said of each picture, or what is wrong with it, in their order."""
    for start in range(0, len(files), batch):
        some = files[start : start + batch]
        try:
            answers = artefact.classify([file.read_bytes() for file in some])
            yield from [_prediction(file, scores) for file, scores in zip(some, answers, strict=True)]
        except (DataError, OSError):  # of one of them: find it
            yield from [_of_picture(artefact, file) for file in some]


def _of_picture(artefact: Any, file: Path) -> Prediction | DataError:
    try:
        return _prediction(file, artefact.classify([file.read_bytes()])[0])
    except OSError as error:
        return DataError(f"{file}: {error.strerror or error}.")
    except DataError as error:
        if not artefact.takes_pictures:
            raise
        return DataError(f"{file}: {error}.")


def _of_arrays(artefact: "Artefact", files: list[Path], batch: int) -> Iterator[Prediction | DataError]:
    """Yields what is said of each example of each file, or what is wrong with the file."""
    from source.command.array_file import read_arrays

    for file in files:
        try:
            arrays = read_arrays(file)
            artefact.check_inputs(arrays)
            for start in range(0, len(arrays[0]), batch):
                outputs = artefact.run([array[start : start + batch] for array in arrays])
                if not outputs or outputs[0].ndim != 2:
                    shape = outputs[0].shape if outputs else "none"
                    raise UsageError(f"{artefact.path}: expected scores of shape (b, classes). Received: {shape}.")
                yield from [_prediction(file, scores, start + row) for row, scores in enumerate(outputs[0])]
        except DataError as error:
            yield DataError(f"{file}: {error}" if str(file) not in str(error) else str(error))


def _prediction(file: Path, scores: Any, index: int | None = None) -> Prediction:
    # By way of their text, float32 numbers keep the fewest digits that tell them apart.
    return Prediction(str(file), tuple(float(str(score)) for score in scores), index)


def _put(text: str, folder: str | None, suffix: str) -> None:
    """Prints a text, or writes it into a folder and says where."""
    if folder is None:
        print(text, end="")
        return
    path = Path(folder) / f"predictions{suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output: {path} cannot be written: {error.strerror}.") from error
    print(f"wrote {path}")
