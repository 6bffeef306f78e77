"""Tests that the pages about number formats say what the formats do: tables, lists, names, pictures and examples."""

import contextlib
import importlib
import importlib.util
import inspect
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from source.numeric import grammar, number_format
from source.numeric.format import NumberFormat
from tests.docs.test_examples import padded_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "formats").glob("*.md"))
SECTIONS = ["Formula", "Names", "Size and range", "Special numbers and ties", "Gradients", "Example", "Sources"]
WITHOUT_PICTURE = {"same"}  # a straight line
MOST_BYTES = 60_000

_SPEC = importlib.util.spec_from_file_location("format_pages", ROOT / "docs" / "format_pages.py")
format_pages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(format_pages)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def families() -> dict[str, list[type]]:
    """Returns the public modules of the room that define formats, and those."""
    found: dict[str, list[type]] = {}
    for file in sorted((ROOT / "source" / "numeric").glob("[!_]*.py")):
        module = importlib.import_module(f"source.numeric.{file.stem}")
        for member in vars(module).values():
            ours = inspect.isclass(member) and member.__module__ == module.__name__
            if ours and issubclass(member, NumberFormat) and not inspect.isabstract(member):
                found.setdefault(file.stem, []).append(member)
    return found


def names_on(page: Path) -> list[str]:
    """Returns the names of formats that the comments of a page list."""
    parts = [found for found in format_pages.PART.finditer(page.read_text(encoding="utf-8")) if found[1] != "picture"]
    return [name for found in parts for name in found[2].split()]


def test_every_family_has_a_page_and_the_overview_lists_it():
    assert [page.stem for page in PAGES] == sorted(families())
    overview = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    for family in families():
        assert f"{{doc}}`formats/{family}`" in overview and f"\nformats/{family}\n" in overview, family


def test_every_format_is_shown_on_the_page_of_its_module():
    for family, formats in families().items():
        shown = {type(number_format(name)) for name in names_on(ROOT / "docs" / "formats" / f"{family}.md")}
        assert shown == set(formats), family


def test_every_rule_of_the_grammar_is_shown():
    words = {re.match(r"\w+", name)[0] for page in PAGES for name in names_on(page)}
    for rule in grammar._RULES:
        assert any(re.fullmatch(rule.pattern, word) for word in words), rule.form


@every_page
def test_a_page_is_what_the_formats_say(page):
    assert page.read_text(encoding="utf-8") == format_pages.renew(page), "run: python docs/format_pages.py"


@every_page
def test_a_page_has_all_sections(page):
    assert re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M) == SECTIONS


@every_page
def test_pictures_are_small_and_show_the_formats_of_today(page):
    plot_format = format_pages.drawing()
    pictures = format_pages.pictures(page)
    assert bool(pictures) == (page.stem not in WITHOUT_PICTURE)
    for file, (chosen, ends) in pictures.items():
        [description] = ElementTree.parse(file).iter("{http://purl.org/dc/elements/1.1/}description")
        grid = plot_format.make_grid(chosen, *ends)
        assert description.text == plot_format.describe(chosen, grid), "run: python docs/format_pages.py"
        assert file.stat().st_size < MOST_BYTES, file


def test_every_picture_is_shown():
    shown = {file for page in PAGES for file in format_pages.pictures(page)}
    assert shown == set((ROOT / "docs" / "formats" / "pictures").iterdir())


@every_page
def test_examples_print_what_they_say(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = padded_blocks(page.read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        written = re.findall(r"^print\(.*\)  # (.*)$", block, re.M)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block, str(page), "exec"), {})  # noqa: S102 (our own documentation)
        assert words(printed.getvalue()) == words(" ".join(written))


def words(text: str) -> list[str]:
    """Returns what is printed, however NumPy aligns it."""
    return re.sub(r"[\[\]]", " ", text).split()


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (0.0, "0"),
        (-0.015625, "-0.015625"),
        (2.0**-9, "2⁻⁹"),
        (2.0**20, "2²⁰"),
        (448.0, "448"),
        (np.float32(0.1), "0.1"),
        (3.0 * 2.0**-16, "0.0000457763671875"),
        (3.0 * 2.0**-17, "0.000022888184"),
        (np.inf, "∞"),
        (-np.inf, "-∞"),
        (np.nan, "NaN"),
        (1.75e38, "1.75e+38"),
    ],
)
def test_numbers_are_written_in_few_characters(x, written):
    assert format_pages.number(x) == written


@pytest.mark.parametrize(
    ("held", "written"),
    [
        (np.arange(-20.0, 20.0), "-20, -19, -18, ..., 19: each 1 more"),
        (np.exp2(np.arange(20.0)), "1, 2, 4, ..., 524288: each twice the one before"),
        (np.float32([-1, 0, 0.5]), "-1 0 0.5"),
        (np.float32([-3, -1, 0, 1, 3]), "0 and plus and minus\n1 3"),
        (np.float32([-3, -2, -1, 1, 2, 3]), "plus and minus\n1 2 3"),
        (np.float32([0, *range(4, 16), 18, 20, 22, 24]), "0\n4 5 6 7\n8 9 10 11 12 13 14 15\n18 20 22 24"),
    ],
)
def test_lists_are_short(held, written):
    assert format_pages.listed(held) == written
