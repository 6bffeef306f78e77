"""What a run was made of, in a few words, from its recipe and its record."""

import json
import pathlib
from typing import Any

from source.command.record.run_folder import RunFolder, mapping


def network(run: RunFolder) -> str:
    """Returns the name of the network, as the recipe or else the record has it; of one in YAML, that of the recipe."""
    given = run.recipe.get("network")
    name = text(mapping(given).get("name") or given) or text(run.part("modeler").get("network"))
    return (name == "yaml_graph" and text(run.recipe.get("name"))) or name


def compressor(run: RunFolder) -> str:
    """Returns the name of the compressor; of a chain, the names of its members too."""
    modeler = run.part("modeler")
    name = text(modeler.get("compressor"))
    given = run.recipe.get("compressor")
    name = name or text(mapping(given).get("name") or given)
    members = mapping(modeler.get("compressor_options")).get("members") or mapping(given).get("members")
    if isinstance(members, str):
        try:
            members = json.loads(members)
        except ValueError:
            members = None
    names = [text(mapping(each).get("name")) for each in members] if isinstance(members, list) else []
    return f"{name}({', '.join(filter(None, names))})" if names else name


def data(run: RunFolder) -> str:
    """Returns the folder of the first training file; without files, the name of the inputter, without what all have."""
    inputter = run.part("inputter")
    metas = inputter.get("train_dataset_meta") or inputter.get("dataset_meta")
    first = metas[0] if isinstance(metas, list) and metas else metas
    if isinstance(first, str) and first:
        place = pathlib.PurePath(first)
        return place.parent.name or place.name
    module = text(mapping(run.settings.get("inputter")).get("module")) or text(
        mapping(run.recipe.get("inputter")).get("name")
    )
    return module.rpartition(".")[2].removeprefix("image_classification_").removesuffix("_inputter")


def text(value: Any) -> str:
    """Returns a value that was read from a file if it is a text, and an empty one otherwise."""
    return value if isinstance(value, str) else ""
