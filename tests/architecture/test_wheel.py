"""Tests of what is shipped: the wheel builds, holds the packages alone, installs, and runs from elsewhere."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import source
from source.config.recipe.recipe import shipped_files
from tests.architecture.sources import ROOT, modules


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Returns the wheel, built from a copy so that no build output stays in the repository."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "source", "espalier"):
        run("cp", "-r", ROOT / name, copy)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy)
    [file] = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """Returns the `bin` folder of a fresh environment with the wheel and this environment's dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    site_packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Appended to the path, without its own .pth files: an editable installation here must not be seen there.
    Path(site_packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_the_wheel_holds_the_packages_their_markers_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "source",
        "espalier",
        f"espalier-{source.__version__}.dist-info",
    }
    data = {"source/graph/hardware/v100.yaml", "source/recipe/network/lenet5.yaml"}
    assert {"source/py.typed", "espalier/py.typed", *data} <= set(names)
    assert len([name for name in names if name.endswith(".py")]) == len(modules())
    assert {f"source/recipe/{name}" for name in shipped_files()} <= set(names)


def test_the_command_runs_from_another_folder(installed, tmp_path):
    assert "usage: espalier" in run(installed / "espalier", "--help", folder=tmp_path)
    assert run(installed / "espalier", "--version", folder=tmp_path) == f"espalier {source.__version__}\n"


def test_the_installed_packages_are_the_ones_imported(installed, tmp_path):
    where = run(installed / "python", "-c", "import source, espalier; print(source.__file__)", folder=tmp_path)
    assert where.startswith(str(installed.parent))


def test_every_shipped_plugin_is_found_and_loads(installed, tmp_path):
    script = """
from source.config import plugin
for room in plugin.ROOMS:
    for name in plugin.available(room):
        module = plugin.resolve(room, name)
        print(f"{room}.{name}", module.__name__)
"""
    found = run(installed / "python", "-c", script, folder=tmp_path)
    assert found.count("\n") == found.count(" source.")


def run(*command: object, folder: Path = ROOT) -> str:
    """Returns what a command prints, run where the sources are not on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
