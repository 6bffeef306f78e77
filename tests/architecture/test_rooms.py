"""Tests that rooms form an order: a module imports only its own room and rooms above it, in no circle."""

import graphlib

import pytest

from tests.architecture.sources import ROOMS, ROOT, imports, modules, room_of


def test_every_folder_is_a_room():
    folders = {path.name for path in (ROOT / "source").iterdir() if any(path.glob("*.py"))}
    assert sorted(folders - set(ROOMS)) == []


def test_rooms_import_only_rooms_above_them():
    wrong = [
        f"{module} imports {imported}"
        for module in modules()
        for imported in sorted(imports(module))
        if (room := room_of(module)) and (other := room_of(imported))
        if ROOMS.index(other) > ROOMS.index(room)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_of_the_sources_imports_the_front_door_or_anything_beside_the_sources():
    beside = {"espalier", "tests", "demo", "benchmark", "docs"}
    wrong = [
        f"{module} imports {imported}"
        for module in modules()
        for imported in sorted(imports(module))
        if module.startswith("source") and imported.split(".")[0] in beside
    ]
    assert not wrong, "\n".join(wrong)


def test_whole_rooms_are_not_imported():
    rooms = {f"source.{room}" for room in ROOMS}
    wrong = [f"{module} imports {name}" for module in modules() for name in sorted(imports(module) & rooms)]
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_imports():
    own = {module: imports(module) & set(modules()) for module in modules()}
    try:
        graphlib.TopologicalSorter(own).prepare()
    except graphlib.CycleError as error:
        pytest.fail("modules import each other: " + " -> ".join(error.args[1]))


def test_a_room_itself_loads_nothing():
    # The folder is the registry: naming one plugin must not load its neighbours.
    loading = [f"source.{room}" for room in ROOMS if imports_of_room(room)]
    assert loading == []


def imports_of_room(room: str) -> set[str]:
    # `importlib` fetches a name from its module when it is asked for.
    return imports(f"source.{room}") - {"importlib", "typing"} if f"source.{room}" in modules() else set()
