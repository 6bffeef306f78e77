"""`espalier import WEIGHTS --rules RULES --output OUT.keras`: weights from elsewhere, mapped into a model by rules.

WEIGHTS is an .npz, .safetensors, .keras, .h5, Darknet .weights or Deep Compression .net file, or a TensorFlow
checkpoint. Without --rules its arrays are listed. The model is MODEL.keras, or --network, or what the rules name;
settings of the network are flags, --name=value. Shipped rules are listed by --rules=list.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from source.command.flags import parse_flags
from source.command.parser import Parser, UsageError
from source.command.quiet import import_quietly
from source.config.errors import DataError

SUMMARY = "map weights of other libraries into a model"
COMPUTES = True
TAKES_SETTINGS = True
_LIST = "list"


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier import`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?", help="file of weights, or prefix of a checkpoint")
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a .keras file that gets the weights")
    parser.add_argument("--network", metavar="NAME", help="instead of MODEL: a plugin, or a recipe with a network")
    parser.add_argument("--input_shape", metavar="HxWxC", help="of one picture, where neither rules nor recipe say it")
    parser.add_argument("--rules", metavar="NAME", help="shipped rules or a file of rules; list prints what is shipped")
    parser.add_argument("--skip", metavar="TEXTS", help="leave weights as they are whose name contains one of these")
    parser.add_argument("--may_miss", metavar="REGEX", help="of weights that may stay as they are without a source")
    parser.add_argument("--output", metavar="OUT", help="the .keras file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    parser.add_argument("--dry_run", action="store_true", help="print the mapping and write nothing")


def run(arguments: argparse.Namespace) -> int:
    """Prints the arrays, the mapping, or what was written, and returns the exit code 0.

    Args:
        arguments: `weights`, `model`, `network`, `input_shape`, `rules`, `skip`, `may_miss`, `output`, `overwrite`,
            `dry_run`, and `settings`, the other flags.

    Raises:
        UsageError: if arguments are missing or do not go together.
        UnknownNameError: for rules or a network that there are not.
        ConfigError: for rules or settings that cannot be.
        CheckpointError: if the weights cannot be read, or the mapping has problems; a dry run prints it before.
        DataError: if MODEL is missing or OUT is there already.
    """
    if arguments.rules == _LIST:
        return _list_rules()
    if arguments.weights is None:
        raise UsageError("expected WEIGHTS. See `espalier import --help`.")
    if arguments.rules is None:
        return _list_arrays(arguments)
    from source.modeler.importing.rule_set import load

    rules = load(arguments.rules)
    _check_places(arguments)
    model = _model(arguments, rules)
    from source.modeler.importing.import_weights import import_weights

    plan = import_weights(
        model,
        arguments.weights,
        arguments.rules,
        skip=_texts(arguments.skip),
        may_miss=[arguments.may_miss] if arguments.may_miss else [],
        dry_run=arguments.dry_run,
    )
    if arguments.dry_run:
        print(plan.to_text(), end="", flush=True)
        plan.require_sound(arguments.weights)
        return 0
    model.save(arguments.output)
    print(f"wrote {arguments.output}: {plan.counts()}")
    return 0


def _list_rules() -> int:
    from source.modeler.importing.rule_set import shipped

    for name, title in shipped().items():
        print(f"{name}: {title}")
    return 0


def _list_arrays(arguments: argparse.Namespace) -> int:
    if arguments.model or arguments.network or arguments.output or arguments.settings:
        raise UsageError("expected --rules, by which arrays become weights; without anything else they are listed.")
    import_quietly("tensorflow")
    from source.modeler.importing.arrays_file import read_arrays

    arrays = read_arrays(arguments.weights)
    width = max(map(len, arrays))
    for name, array in arrays.items():
        print(f"{name:<{width}}  {array.dtype!s:<8} {'x'.join(map(str, array.shape)) or '-'}")
    print(f"\n{len(arrays)} arrays, {sum(array.size for array in arrays.values()):,} numbers")
    return 0


def _check_places(arguments: argparse.Namespace) -> None:
    """Refuses what can be told to be wrong before anything is computed."""
    if arguments.model and (arguments.network or arguments.settings or arguments.input_shape):
        raise UsageError("expected MODEL, or --network with its settings, and not both.")
    if arguments.model and not Path(arguments.model).is_file():
        raise DataError(f"{arguments.model}: there is no such file.")
    if arguments.dry_run:
        return
    if not arguments.output or not arguments.output.endswith(".keras"):
        raise UsageError(f"--output: expected a file that ends in .keras. Received: {arguments.output}.")
    if Path(arguments.output).exists() and not arguments.overwrite:
        raise DataError(f"{arguments.output}: exists already. Say --overwrite to replace it.")
    if not Path(arguments.output).absolute().parent.is_dir():
        raise DataError(f"{arguments.output}: its folder is not there.")


def _model(arguments: argparse.Namespace, rules: Any) -> Any:
    if arguments.model:
        import_quietly("tensorflow")
        from source.layer.load_model import load_model

        return load_model(arguments.model, compile=False)
    from source.modeler.importing import target_network

    network = arguments.network or rules.network
    if not network:
        raise UsageError(f"expected MODEL or --network: the rules {arguments.rules} name none.")
    own = rules.settings if network == rules.network else {}
    shape = _shape(arguments.input_shape) if arguments.input_shape else rules.input_shape
    target_network.described(network)  # a name that does not exist is told before TensorFlow loads
    import_quietly("tensorflow")
    return target_network.build(network, {**own, **_values(arguments.settings)}, shape)


def _values(flags: Sequence[str]) -> dict[str, Any]:
    """Returns settings by name, with "true" for a flag without a value, which no number is made of."""
    return {name: "true" if value is True else value for name, value in parse_flags(flags).values.items()}


def _texts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _shape(text: str) -> tuple[int, ...]:
    lengths = text.split("x")
    if len(lengths) != 3 or not all(length.isdecimal() and int(length) > 0 for length in lengths):
        raise UsageError(f"--input_shape: expected lengths such as 224x224x3. Received: {text}.")
    return tuple(int(length) for length in lengths)
