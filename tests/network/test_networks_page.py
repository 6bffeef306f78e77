"""Tests that the numbers and options on `docs/networks.md` are those of the networks."""

import dataclasses
import re
from pathlib import Path

import pytest

from source.config import plugin
from source.config.config import NetworkConfig
from source.config.settings import from_mapping
from tests.network.counting import images, multiplications, trainable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "networks.md"
# What is whatever it is told to be: no row, but a page that explains every option.
FREE = {"keras_file": PAGE, "yaml_graph": PAGE.with_name("yaml_networks.md")}


def rows():
    """Returns the cells of every row of the table, without back quotes."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


def number(cell):
    return int(cell.replace(",", ""))


def label(row):
    return f"{row[0]} {row[3]}".strip()


@pytest.mark.parametrize("row", rows(), ids=label)
def test_the_counts_of_a_row_are_those_of_the_model(row):
    name, _, _, setting, classes, parameters, macs, size = row
    module = plugin.resolve("network", name)
    given = dict(part.split("=") for part in setting.split(", ") if part)
    typed = {key: int(value) if value.isdigit() else value for key, value in given.items()}
    config = from_mapping(module.Config, {"num_classes": number(classes), **typed})
    model = module.build(config, images(*map(int, size.split("x"))))
    assert trainable(model) == number(parameters)
    assert multiplications(model) == number(macs)


def test_every_network_has_a_row_with_all_its_options():
    documented = {row[0]: set(row[2].split(", ")) for row in rows() if row[2]}
    assert documented == {name: options(name) for name in plugin.available("network") if name not in FREE}


@pytest.mark.parametrize("name", FREE)
def test_every_option_of_the_others_is_explained(name):
    text = FREE[name].read_text(encoding="utf-8")
    assert [option for option in options(name) if f"`{option}" not in text] == []


def options(name):
    """Returns the settings that a network has of its own."""
    shared = {field.name for field in dataclasses.fields(NetworkConfig)}
    return {field.name for field in dataclasses.fields(plugin.resolve("network", name).Config)} - shared


def test_every_first_row_names_its_paper():
    seen = set()
    for row in rows():
        assert row[0] in seen or re.fullmatch(r"\[[^]]+\]\(https?://\S+\)", row[1])
        seen.add(row[0])
