"""Tests that the examples in README and documentation run: every Python block marked `<!-- runnable -->`.

The blocks of one page run in their order and share their names, in an empty folder.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- runnable -->\n+```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "<!-- runnable -->"


def pages() -> list[Path]:
    """Returns the pages that hold at least one marked block."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if "_build" not in page.parts and MARK in page.read_text(encoding="utf-8")]


def padded_blocks(text: str) -> list[str]:
    """Returns the marked blocks, each at its own line number, so that a traceback points into the page."""
    return ["\n" * text.count("\n", 0, found.start(1)) + found[1] for found in BLOCK.finditer(text)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = ModuleType("example")  # classes look their module up by name
    monkeypatch.setitem(sys.modules, "example", module)
    for block in padded_blocks(page.read_text(encoding="utf-8")):
        exec(compile(block, str(page), "exec"), vars(module))  # noqa: S102 (our own documentation)


def test_every_mark_stands_before_a_python_block():
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert text.count(MARK) == len(padded_blocks(text)), page


def test_a_block_keeps_its_line_number():
    [block] = padded_blocks("# Title\n\n<!-- runnable -->\n```python\nx = 1\n```\n\n```python\ny = 2\n```\n")
    assert block == "\n\n\n\nx = 1\n"
