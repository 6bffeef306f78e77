"""The text of a first recipe, with comments that say what was found and what can be changed."""

from collections.abc import Iterator
from typing import Any

import yaml

from source.command.starter.choices import Choices
from source.command.starter.found import Found

_LISTED = 12


def recipe_text(name: str, file: str, found: Found, chosen: Choices, base: str | None, litert: bool) -> str:
    """Returns a recipe.

    Args:
        name: of the run.
        file: as which it will be written.
        found: the data.
        chosen: what suits it.
        base: the shipped recipe of the network; None for a plugin.
        litert: whether what writes LiteRT files is installed.
    """
    lines = [*_head(name, file, found), *_body(name, found, chosen, base)]
    if not litert:
        lines.append(
            "# A .tflite file needs packages that are not here: pip install 'espalier[export]', remove this line."
        )
        lines.append("exporters: {litert: null}")
    return "\n".join(lines) + "\n"


def _head(name: str, file: str, found: Found) -> Iterator[str]:
    yield f"# {found.num_train:,} pictures of {len(found.classes)} classes in {_shown(found.train)}{_apart(found)}"
    yield "#"
    for each in found.classes[:_LISTED]:
        train, evaluate = found.counts[each]
        yield f"#   {_shown(each)}: {train:,}" + (f" and {evaluate:,} to evaluate on" if found.num_evaluate else "")
    if len(found.classes) > _LISTED:
        yield f"#   ... and {len(found.classes) - _LISTED:,} more"
    yield f"# {_sizes(found)}"
    if found.shapes.broken:
        count = len(found.shapes.broken)
        yield f"# {count} of the files looked at are no pictures; remove them, or say on_bad_example: skip."
        yield f"# The first is {_shown(found.shapes.broken[0])}."
    yield "#"
    yield f"# Check it:     espalier {file} doctor"
    yield f"# Train it:     espalier {file} train evaluate"
    yield "# Compress it, and compare the files:"
    yield f"#   espalier {file} trainer/finetune.yaml compress/quantize_aware.yaml \\"
    yield f"#     pretrained_model=runs/{name} compress"


def _apart(found: Found) -> str:
    where = f" in {_shown(found.evaluate)}" if found.evaluate else ""
    return f", and {found.num_evaluate:,} to evaluate on{where}" if found.num_evaluate else ""


def _sizes(found: Found) -> str:
    shapes = found.shapes
    colour = {1: "grey", 3: "in colour"}.get(shapes.depth, f"of {shapes.depth} channels")
    if shapes.are_equal:
        height, width = shapes.sizes[0]
        return f"All are {height} x {width} pixels, {colour}."
    shorter = [min(size) for size in shapes.sizes]
    sides = f"{min(shorter)} to {max(shorter)}" if len(set(shorter)) > 1 else f"{shorter[0]}"
    return f"Their shorter sides have {sides} pixels; they are {colour}."


def _body(name: str, found: Found, chosen: Choices, base: str | None) -> Iterator[str]:
    if base is not None:
        yield f"_base: {base}"
    yield _line("name", name)
    yield ""
    yield from _data(found, chosen)
    yield ""
    if chosen.height is not None:
        yield "# What the network sees. Larger pictures show more, and cost by the square of their sides."
        yield f"image_height: {chosen.height}"
        yield f"image_width: {chosen.width}"
        yield f"image_depth: {chosen.depth}"
    yield "# How pictures are distorted in training; flip: false where a mirrored one means something else."
    yield _line("augmenter", chosen.augmenter)
    yield ""
    if base is None:
        yield "# `espalier list network` shows others."
        yield _line("network", {"name": chosen.network})
        yield ""
    yield from _training(chosen)


def _data(found: Found, chosen: Choices) -> Iterator[str]:
    yield _line("inputter", {"name": found.inputter, **found.settings})
    yield _line("train_dataset_meta", found.train)
    if found.evaluate:
        yield _line("eval_dataset_meta", found.evaluate)
    if chosen.held_out:
        yield "# The share of each class that is kept to evaluate on."
        yield f"validation_fraction: {chosen.held_out}"
    yield f"num_classes: {len(found.classes)}"
    if found.named:
        yield _line("class_names", list(found.classes))


def _training(chosen: Choices) -> Iterator[str]:
    yield "# The rate rises for an epoch and falls to zero along a cosine. Too noisy? Halve it. Too slow? Double it."
    yield "optimizer: momentum"
    yield "optimizer_options: {nesterov: true}"
    yield "learning_rate: 0.05"
    yield "lr_method: cosine"
    yield "warmup_epochs: 1.0"
    yield "l2_weight_decay: 0.0005"
    yield f"batch_size_per_gpu: {chosen.batch}"
    yield f"epochs: {chosen.epochs}"
    yield "log_every_n_iter: 50"
    yield f"evaluate_every_epochs: {max(1, chosen.epochs // 10)}"


def _line(key: str, value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
    return f"{key}: {text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}"


def _shown(text: str) -> str:
    """Returns a name as it may stand in a comment, which ends with its line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
