"""Tests that recipes and command lines of any shape end in a run that can be described, or in a mistake that is told.

Shipped recipes and good settings are cut, doubled and mixed with what parsers stumble over. Whatever comes of it, no
line of it is run, and nothing is written outside the folder of the run.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from source.command import main, recipe_line
from source.command.run_safety import claim
from source.command.session import Session
from source.config.errors import EspalierError
from source.config.recipe.recipe import SHIPPED, resolved_file, shipped_files
from source.config.recipe.tree import plain
from source.config.recipe.yaml_text import read_yaml

KEYS = [
    *("name", "id", "recreate", "data_dir", "network", "inputter", "augmenter", "batch_augmenter", "modeler", "runner"),
    *("compressor", "callbacks", "exporters", "epochs", "seed", "learning_rate", "num_classes", "image_height"),
    *("network.name", "network.dropout", "compressor.name", "compressor.members", "compressor.members.0.sparsity"),
    *("compressor.rules", "compressor.sparsity", "callbacks.train_loss", "callbacks.train_loss.log_every_n_iter"),
    *("exporters.packed", "inputter.name", "mode", "test_samples", "optimizer_options", "piecewise_boundaries"),
    *("members", "rules", "match", "do", "layers", "graph", "from", "with", "to", "a", "b", "_x", "_base", "<<", "1"),
    *("mode_dir", "...", "a..b", ".a", "schlüssel", "🦊", "0", "\u202e", "x" * 300, "a." * 70 + "a", "__class__"),
]
NAMES = [
    *("lenet5", "resnet20", "yaml_graph", "digits", "magnitude_pruning", "quantize_aware", "chain", "distillation"),
    *("image_classification_modeler", "single_device_runner", "normalize", "mixup", "packed", "train_loss", "lenet6"),
    *("evil", "evil.plugin", "source.network.lenet5", "source.command.main", "json.tool", "os.path", "a" * 5000),
]
SCALARS = [
    *("0", "1", "-1", "0.5", "1e-3", "1e999", "-1e999", ".inf", ".nan", "nan", "NaN", "0x1F", "0o17", "1_000"),
    *("1" * 400, "1" * 5000, "9" * 300 + ".0", "1e" + "9" * 5000, "true", "False", "on", "no", "null", "~", "", "???"),
    *("12:30", "2024-01-01", "text", "'quoted'", '"double"', "a: b: c", "*.png", "#1", "a #b", "[1, 2]", "{a: 1}"),
    *('"\\0"', '"\\x85"', '"\\ud800"', '"\\UFFFFFFFF"', '"\\u2028"', "\0", "\ud800", "\x85", "\u2028", "\ufeff"),
    *("../../x", "a/../b", "/etc/passwd", "~nobody-of-this-name/x", "~/x", ".", "..", "C:\\x", "a/b", "-rf", "a\nb"),
    *("[" * 400, "{a: " * 400, "[" * 40 + "]" * 40, "- a\n- b", "|\n  a\n  b", ">-\n  a", "'", '"', "]", "}", "%", "@"),
]
REFERENCES = [
    *("${a}", "${a.b}", "${.b}", "${..a}", "${....}", "${}", "${", "}", "${a", "${${a}}", "x${network}y", "${network}"),
    *("${network.name}", "${callbacks}", "${compressor.members.0}", "${members[0]}", "${a[0].b}", "${oc.env:HOME}"),
    *("${oc.env:NOT_SET_AT_ALL}", "${oc.env:NOT_SET_AT_ALL,x}", "${oc.env:'}", "${oc.select:a}", "${oc.decode:'1'}"),
    *("\\${a}", "\\\\${a}", "${a}${a}", "${" + " " * 5000, "${" + "a." * 5000 + "a}", "${_x}", "${a:b}", "${ a }"),
    *("${data_dir}/x", "${members." + "1" * 5000 + "}", "$${a}", "${a}}", "${schlüssel}", "${evil.plugin}", "${1}"),
]
TAGS = [
    *("!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!!python/module:evil"),
    *(
        "!!python/object/new:evil.plugin {}",
        "!evil x",
        "!!int abc",
        "!!int '0x1F'",
        "!!float x",
        "!!bool 7",
        "!!null 1",
    ),
    *(
        "!!merge x",
        "!!set {a}",
        "!!binary aGk=",
        "!!map [a]",
        "!!seq {a: 1}",
        "!!str {a: 1}",
        "!!omap [a: 1]",
        "!!str 1",
    ),
]
SHAPES = [
    *("&a [*a]", "&a {b: *a}", "{<<: *a, c: 1}", "&a {x: 1}", "*a", "{<<: [*a, *a]}", "{<<: 1}", "{<<: {a: 1}}"),
    *(
        "&x [1, 2]",
        "[*x, *x, *x, *x]",
        "{? [a] : b}",
        "{? {a: 1} : b}",
        "{1: a, 1.5: b, null: c, true: d}",
        "{a: 1, a: 2}",
    ),
    *("{name: lenet5, dropout: 0.1}", "{name: [lenet5]}", "{name: null}", "{packed: {}}", "[packed, litert]", "{1: 2}"),
    *("[{name: magnitude_pruning, sparsity: 0.5}, {name: quantize_aware}]", "[{match: {name: x}, do: skip}]", "[[[]]]"),
    *("{a: {b: ${a}}}", "{a: ${b}, b: ${a}}", "[${.0}]", "{0: a}", "{'': a}", "{_base: f0.yaml}", "{train_loss: null}"),
]
BASES = [*("f0.yaml", "f1.yaml", "[f0.yaml, f1.yaml]", "network/lenet5.yaml", "default.yaml", "../f0.yaml", ".", "''")]
BASES += ["/etc/passwd", "/dev/zero", "/proc/self/environ", "~/x", "[[a]]", "{a: b}", "${a}", "no.yaml", "x" * 5000]
GOOD = [
    *(("epochs", "2"), ("seed", "${epochs}"), ("network.dropout", "0.25"), ("network", "resnet20"), ("a", "${seed}")),
    *(("compressor.name", "magnitude_pruning"), ("compressor.sparsity", "0.5"), ("id", "x/${epochs}"), ("name", "ä")),
    ("compressor", "{name: chain, members: [{name: magnitude_pruning, sparsity: 0.5}, {name: quantize_aware}]}"),
    *(("compressor.members.1.name", "distillation"), ("callbacks.train_loss", "null"), ("exporters", "[packed]")),
    *(("inputter", "{name: digits}"), ("compressor.rules", "[{match: {name: x}, do: skip}]"), ("_x", "[1, {a: 2}]")),
    *(("learning_rate", "1e-3"), ("optimizer_options", "{momentum: 0.9}"), ("_a", "${_b}"), ("network.name", "${a}")),
]
VALUES = [*NAMES, *SCALARS, *REFERENCES, *TAGS, *SHAPES]
LINES = [
    "%YAML 9.9\n---\n",
    "---\n",
    "...\n",
    "\t",
    "a",
    "- a\n",
    "? a\n",
    ": ",
    "'",
    "|\n",
    "\r\n",
    "\x00",
    "#",
    "&a ",
]
IDS = [
    *SCALARS,
    *REFERENCES,
    "a/b/c",
    "a/./b",
    "a//b",
    "a/",
    "/a",
    "a/b..",
    "x" * 121,
    "x/" * 59 + "x",
    "CON",
    "ä",
    'a"b',
]

# Reading the large ones takes as long as all else together.
SMALL = [each for each in shipped_files() if (SHIPPED / each).stat().st_size < 1500]

TEXTS = [(SHIPPED / each).read_text(encoding="utf-8") for each in SMALL]

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
pool = st.sampled_from
letters = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=20)
value = pool(VALUES) | letters | st.text(max_size=9) | st.integers().map(str) | st.floats().map(str)
pair = (
    st.tuples(pool(KEYS), value)
    | pool(GOOD)
    | st.tuples(st.sampled_from([f"_{each}" for each in "abc"]), value)
    | st.tuples(st.just("_base"), pool(BASES))
    | st.tuples(st.just("id"), pool(IDS))
    | st.tuples(letters, value)
)
setting = pair.map("=".join)
block = st.lists(pair.map(": ".join), max_size=4).map("\n".join)
nested = st.tuples(pool(KEYS), block).map(lambda each: f"{each[0]}:\n  " + each[1].replace("\n", "\n  "))


@st.composite
def edited(draw):
    """Draws a shipped recipe of which something was cut, doubled or replaced."""
    text = draw(pool(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 40)))
        new = draw(st.sampled_from([*VALUES, *LINES, text[start:stop] * 2, ""]))
        text = text[:start] + new + text[stop:]
    return text


pairs = st.lists(pool(GOOD).map(": ".join), max_size=4, unique=True).map("\n".join)
recipe = pairs | block | nested | st.lists(block | nested, max_size=3).map("\n".join) | edited() | letters
word = (
    st.tuples(st.just("file"), recipe)
    | st.tuples(st.just("word"), setting)
    | st.tuples(st.just("word"), pool(GOOD).map("=".join))
    | st.tuples(st.just("word"), pool(["data/digits.yaml", "network/lenet5.yaml", *SMALL]))
    | st.tuples(st.just("word"), st.text(max_size=12) | pool([*SCALARS, "no.yaml", "\0.yaml", "x" * 5000 + ".yaml"]))
)
start = [("word", "data/digits.yaml"), ("word", "network=lenet5")]
good = st.sampled_from([start, start, start, []])
line = st.tuples(good, st.lists(word, min_size=1, max_size=4)).map(lambda each: each[0] + each[1])


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Returns a folder to work in, with a package that would leave a file if it was imported."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "lib" / "evil").mkdir(parents=True)
    for name in ("__init__", "plugin"):
        (folder / "lib" / "evil" / f"{name}.py").write_text("open('pwned', 'w').close()\n")
    (folder / "here").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "here")
        patch.syspath_prepend(str(folder / "lib"))
        patch.setenv("HOME", str(folder / "home"))
        patch.delenv("DATA_DIR", raising=False)
        patch.delenv("OUTPUT_DIR", raising=False)
        yield folder


def check(place: Path, words: list[tuple[str, str]]) -> None:
    """Takes a command line as far as it goes without loading TensorFlow."""
    arguments = []
    for kind, text in words:
        if kind == "file":
            number = sum(each.startswith("f") and each.endswith(".yaml") for each in arguments)
            with open(f"f{number}.yaml", "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
                file.write(text)
            text = f"f{number}.yaml"
        arguments.append(text)
    files = tree_of(place)
    described(arguments, place / "runs")
    shown_by_the_command(arguments)
    outside = {each for each in tree_of(place) if not each.startswith("runs")}
    assert outside == {each for each in files if not each.startswith("runs")}
    assert "evil" not in sys.modules


def described(arguments: list[str], output: Path) -> None:
    """Merges the words and writes down the recipe that they make, if they make one."""
    session = Session()
    try:
        for each in arguments:
            add(session, each)
        session.add_setting(f"output_dir={output}")
        session.add_setting("recreate=true")
        _ = session.parts
        folder = session.folder
        assert folder.resolve().is_relative_to(output.resolve()) and folder.resolve() != output.resolve()
        with contextlib.redirect_stdout(io.StringIO()):
            claim(session)
    except EspalierError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert len(told) < 2500
        return
    assert plain(resolved_file(folder / "recipe.yaml")) == plain(session.resolved)


def shown_by_the_command(arguments: list[str]) -> None:
    """Tells the command to show a recipe: it is YAML that means the same, or one line about a mistake."""
    words = [each for each in arguments if each not in recipe_line.actions()]
    if not words or not recipe_line.is_recipe_word(words[0]):
        return
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.main([*words, "show"])
    for each in (out, err):
        each.seek(0)
    assert code in (0, 2)
    assert len(err.read().splitlines()) == (code == 2)
    if code == 0:
        session = Session()
        for each in words:
            add(session, each)
        assert plain(read_yaml(out.read(), "shown")) == plain(session.resolved)


def add(session: Session, word: str) -> None:
    """Adds a word of the command line to a recipe."""
    if word.endswith((".yaml", ".yml")) and not re.match(r"[A-Za-z_][\w.-]*\s*=", word):
        session.add_file(word)
    else:
        session.add_setting(word)


def tree_of(folder: Path) -> set[str]:
    return {os.path.relpath(os.path.join(top, each), folder) for top, _, names in os.walk(folder) for each in names}


quiet = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": True}


@settings(max_examples=150, **quiet)
@given(words=line)
def test_every_recipe_ends_in_a_run_or_a_mistake(place, words):
    check(place, words)


@pytest.mark.slow
@settings(max_examples=10_000, **quiet)
@given(words=line)
def test_ten_thousand_recipes_end_in_a_run_or_a_mistake(place, words):
    check(place, words)
