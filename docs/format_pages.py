"""Writes the tables and pictures of the pages about number formats anew, from the formats themselves.

python docs/format_pages.py

A page says in comments what stands between them: `<!-- facts int8 int4 -->`, the table, `<!-- end -->`. What else can
stand there are `names`, `specials` and `values`, with names of formats, and `picture`, with one name and perhaps the
ends of the range that rounding is drawn in. Tests hold the pages to what this program writes.
"""

import html
import importlib.util
import itertools
import math
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from source.config.errors import DataError  # noqa: E402  (found through the path set above)
from source.numeric import number_format  # noqa: E402
from source.numeric._aliases import aliases  # noqa: E402
from source.numeric.format import NumberFormat  # noqa: E402

FOLDER = ROOT / "docs" / "formats"
PART = re.compile(r"^<!-- (facts|names|specials|values|picture) (.+?) -->\n(.*?)^<!-- end -->$", re.M | re.S)
MOST_LISTED_BITS = 16
_SHAPE = (64, 64)
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def renew(page: Path) -> str:
    """Returns the text of a page with all its parts as they should be."""
    text = page.read_text(encoding="utf-8")

    def part(found: re.Match[str]) -> str:
        kind, written = found[1], found[2].split()
        return f"<!-- {kind} {found[2]} -->\n\n{MAKERS[kind](page.stem, written)}\n\n<!-- end -->"

    return PART.sub(part, text)


def pictures(page: Path) -> dict[Path, tuple[NumberFormat, list[float]]]:
    """Returns what the pictures of a page show: file to format and ends of the range."""
    parts = (found[2].split() for found in PART.finditer(page.read_text(encoding="utf-8")) if found[1] == "picture")
    return {
        FOLDER / "pictures" / file_name(name): (number_format(name), [float(end) for end in ends])
        for name, *ends in parts
    }


def facts(module: str, names: Sequence[str]) -> str:
    """Returns a table of sizes and ranges."""
    rows = ["| Name | Bits | Bytes a number | Bytes of 64 × 64 | Range | Smallest above 0 | Smallest step | Numbers |"]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name in names:
        chosen = number_format(name)
        size = f"{chosen.bits} | {number(chosen.bytes_per_element())} | {chosen.nbytes(_SHAPE)}"
        if chosen.bits > MOST_LISTED_BITS:
            rows.append(f"| {code(name)} | {size} | | | | |")
            continue
        held = chosen.values()
        ends = f"{number(held[0])} to {number(held[-1])}"
        step = number(np.diff(held.astype(np.float64)).min())
        rows.append(f"| {code(name)} | {size} | {ends} | {number(held[held > 0][0])} | {step} | {held.size} |")
    return "\n".join(rows)


def names(module: str, written: Sequence[str]) -> str:
    """Returns a table of names and aliases by the canonical name."""
    ours = [name for name in aliases() if type(number_format(name)).__module__.endswith(f".{module}")]
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys([*written, *ours]):
        groups.setdefault(str(number_format(name)), []).append(name)
    rows = ["| Canonical name | Also written |", "|---|---|"]
    for canonical, others in groups.items():
        rows.append(f"| {code(canonical)} | {', '.join(code(name) for name in others if name != canonical)} |")
    return "\n".join(rows)


def specials(module: str, written: Sequence[str]) -> str:
    """Returns a table of what becomes of NaN, infinity, a subnormal number and ties."""
    rows = [
        "| Name | NaN | NaN encoded | +∞ | -∞ | 2⁻¹²⁷ | First tie | Second tie |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in written:
        chosen = number_format(name)
        least = np.append(0.0, np.sort(chosen.values()[chosen.values() > 0]))[:3]
        ties = [f"{number(tie)} → {number(rounded(chosen, tie))}" for tie in (least[:-1] + least[1:]) / 2]
        given = (number(rounded(chosen, x)) for x in (np.nan, np.inf, -np.inf, 2.0**-127))
        cells = [code(name), *given, *ties, ""][:7]
        rows.append("| " + " | ".join([*cells[:2], nan_code(chosen), *cells[2:]]) + " |")
    return "\n".join(rows)


def values(module: str, written: Sequence[str]) -> str:
    """Returns a folded list of all numbers of each format."""
    parts = []
    for name in written:
        held = number_format(name).values()
        head = f"<details>\n<summary>The {held.size} numbers of <code>{html.escape(name)}</code></summary>"
        parts.append(f"{head}\n\n```text\n{listed(held)}\n```\n\n</details>")
    return "\n\n".join(parts)


def picture(module: str, written: Sequence[str]) -> str:
    """Returns the line that shows a picture."""
    return f"![The numbers of `{written[0]}` and how it rounds](pictures/{file_name(written[0])})"


MAKERS = {"facts": facts, "names": names, "specials": specials, "values": values, "picture": picture}


def listed(held: np.ndarray) -> str:
    """Returns numbers as lines of text, one for each binade; what goes on evenly ends after three numbers."""
    if held.size > 16 and (going_on := pattern(held.astype(np.float64))):
        return f"{number(held[0])}, {number(held[1])}, {number(held[2])}, ..., {number(held[-1])}: {going_on}"
    head = ""
    if held.size > 4 and np.array_equal(held, -held[::-1]):
        head, held = "0 and plus and minus\n" if 0.0 in held else "plus and minus\n", held[held > 0]
    few = held.size <= 16
    lines = (" ".join(map(exact, group)) for _, group in itertools.groupby(held, lambda x: few or math.frexp(x)[1]))
    return head + "\n".join(textwrap.fill(line, 100, subsequent_indent="  ") for line in lines)


def pattern(held: np.ndarray) -> str:
    """Returns by what each number differs from the one before, if it is always the same; otherwise nothing."""
    steps = np.diff(held)
    if (steps == steps[0]).all():
        return f"each {number(steps[0])} more"
    if held[0] > 0 and (held[1:] == 2 * held[:-1]).all():
        return "each twice the one before"
    return ""


def rounded(chosen: NumberFormat, x: float) -> float:
    """Returns one number rounded."""
    return float(chosen.round(np.float32([x]))[0])


def nan_code(chosen: NumberFormat) -> str:
    """Returns the code of NaN, or that it is refused."""
    try:
        return f"`{int.from_bytes(chosen.encode(np.float32([np.nan])), 'little'):#x}`"
    except DataError:
        return "refused"


def number(x: float) -> str:
    """Returns a number in few characters: far powers of two as such, others as `exact` writes them."""
    x = float(x)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "-∞"
    fraction, exponent = math.frexp(x)
    if fraction == 0.5 and not -6 <= exponent <= 20:
        return f"2{str(exponent - 1).translate(_SUPERSCRIPTS)}"
    return exact(x)


def exact(x: float) -> str:
    """Returns a number in up to 12 digits if it has no more, otherwise the shortest that float32 reads back."""
    if not 1e-9 < abs(x) < 1e9 and x != 0:
        return f"{x:.9g}"
    short = np.float64(f"{x:.12g}")
    return np.format_float_positional(short if short == x else np.float32(x), trim="-")


def code(name: str) -> str:
    """Returns a name as code in a table."""
    return "`" + name.replace("|", "\\|") + "`"


def file_name(name: str) -> str:
    """Returns the file of a format's picture."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower().replace("-", "m")).strip("_") + ".svg"


def drawing() -> ModuleType:
    """Returns the program that draws a format."""
    spec = importlib.util.spec_from_file_location("plot_format", ROOT / "demo" / "plot_format.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Writes all pages and pictures."""
    plot_format = drawing()
    for page in sorted(FOLDER.glob("*.md")):
        page.write_text(renew(page), encoding="utf-8")
        for file, (chosen, ends) in pictures(page).items():
            plot_format.draw(chosen, plot_format.make_grid(chosen, *ends), file)


if __name__ == "__main__":
    main()
