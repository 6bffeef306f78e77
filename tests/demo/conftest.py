"""Loads a demo as a module, from the folder in which Python would look for what it imports."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def load_demo(repository: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Returns a function from the name of a script below `demo` to its module; nothing of it runs."""

    def load(name: str) -> ModuleType:
        path = repository / "demo" / name
        patch.syspath_prepend(str(path.parent))
        spec = importlib.util.spec_from_file_location(f"demo_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / "demo"))
        # A demo sets this when it is loaded; it must not reach the processes that other tests start.
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
        yield load
