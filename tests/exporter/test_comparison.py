"""Tests of comparing files: what is counted, what is found by running them, and the four forms of the answer."""

import html.parser
import json
import pathlib
import zlib

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError, DataError
from source.exporter._deflated import zipped_bytes
from source.exporter.artefact.artefact import Artefact
from source.exporter.comparison import compare


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Fake(Artefact):
    """Adds to its inputs and takes some milliseconds; of one example a run where `batch` says so."""

    kind = "Fake"

    def __init__(self, path, clock, milliseconds, add=0.0, batch=None):
        super().__init__(pathlib.Path(path))
        self.clock, self.milliseconds, self.add, self.batch = clock, milliseconds, add, batch

    @property
    def input_specs(self):
        return [((self.batch, 3), "float32")]

    def run(self, inputs):
        assert self.batch in (None, len(inputs[0]))
        self.clock.now += self.milliseconds / 1000
        return [inputs[0] + self.add]


SCORES = np.asarray([[3, 2, 1], [1, 3, 2], [1, 2, 3], [2, 3, 1]], np.float32)
LABELS = np.asarray([0, 1, 2, 0])


@pytest.fixture
def fakes(tmp_path):
    """Two files of 1,000 bytes: the second is twice as fast and prefers the last class."""
    clock = Clock()
    for name in ("large.esp", "small.tflite"):
        (tmp_path / name).write_bytes(b"ab" * 500)
    large = Fake(tmp_path / "large.esp", clock, 2.0)
    small = Fake(tmp_path / "small.tflite", clock, 1.0, add=np.asarray([0, 0, 1.5], np.float32), batch=1)
    return clock, [large, small]


@pytest.fixture
def compared(fakes):
    clock, files = fakes
    return compare(files, SCORES, LABELS, rounds=4, warm_up=1, clock=clock)


def test_accuracy_and_agreement_are_those_of_the_files(compared):
    large, small = compared.rows
    assert (large.accuracy, large.agreement) == (0.75, 1.0)
    # 3 2 2.5, 1 3 3.5, 1 2 4.5, 2 3 2.5
    assert (small.accuracy, small.agreement) == (0.5, 0.75)


def test_bytes_are_those_on_disk_always(compared):
    for row in compared.rows:
        assert row.bytes == row.path.stat().st_size == 1000
        assert row.zipped_bytes == len(zlib.compress(b"ab" * 500, 9)) - 6  # header and check sum


def test_bytes_of_a_folder_are_those_of_its_files(tmp_path):
    (tmp_path / "below").mkdir()
    for place in (tmp_path / "one", tmp_path / "below" / "two"):
        place.write_bytes(bytes(10_000))
    assert zipped_bytes(tmp_path) == 2 * zipped_bytes(tmp_path / "one")


def test_latency_is_a_ratio_to_the_baseline(fakes):
    clock, files = fakes
    rows = compare(files, SCORES, baseline=1, rounds=3, warm_up=0, clock=clock).rows
    assert [row.p50_ms for row in rows] == pytest.approx([2.0, 1.0])  # differences of a clock in floats
    assert [row.latency_ratio for row in rows] == pytest.approx([2.0, 1.0])
    assert [row.accuracy for row in rows] == [None, None]


def test_shares_of_classes_may_be_labels(fakes):
    clock, files = fakes
    rows = compare(files, SCORES, np.eye(3)[LABELS], rounds=1, clock=clock).rows
    assert [row.accuracy for row in rows] == [0.75, 0.5]


def test_a_keras_file_is_counted_too(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3, name="dense")(inputs))
    model.get_layer("dense").kernel.assign(np.eye(4, 3))
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "b.keras")
    made = compare([tmp_path / "a.keras", tmp_path / "b.keras"], rounds=2, warm_up=1)
    assert [(row.parameters, row.sparsity, row.macs) for row in made.rows] == [(15, 0.75, 12)] * 2
    assert made.rows[1].agreement == 1.0
    assert made.remark == "Each file was run on 16 examples of random numbers. The baseline is a.keras."


def test_what_a_file_does_not_say_a_model_says(fakes):
    clock, files = fakes
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    rows = compare(files, SCORES, models={"small.tflite": model}, rounds=1, clock=clock).rows
    assert [row.macs for row in rows] == [None, 9]


def test_outputs_that_are_no_scores_have_no_agreement(fakes):
    clock, files = fakes
    for file in files:
        file.run = lambda inputs: [inputs[0][:, :1]]
    rows = compare(files, SCORES, LABELS, rounds=1, clock=clock).rows
    assert [(row.accuracy, row.agreement) for row in rows] == [(None, None)] * 2


def test_the_table_is_text_and_markdown(compared):
    text = compared.to_text().splitlines()
    columns = "file kind bytes times smaller zipped bytes accuracy agreement p50 ms latency ratio"
    assert " ".join(text[0].split()) == columns
    zipped = str(compared.rows[0].zipped_bytes)
    assert text[2].split() == ["small.tflite", "Fake", "1,000", "1.00", zipped, "50.00%", "75.00%", "1.0000", "0.500"]
    markdown = compared.to_markdown().splitlines()
    assert markdown[1] == "| :-- | :-- | --: | --: | --: | --: | --: | --: | --: |"
    assert markdown[3].split(" | ")[:3] == ["| small.tflite", "Fake", "1,000"]
    assert markdown[5] == "Each file was run on 4 examples. The baseline is large.esp."


def test_json_says_the_same(compared):
    values = json.loads(compared.to_json())
    assert (values["baseline"], values["examples"], values["real_examples"]) == (0, 4, True)
    assert [file["bytes"] for file in values["files"]] == [1000, 1000]
    assert len(values["files"][1]["latency"]["network"]["seconds"]) == 4


class Page(html.parser.HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data.split()


def test_the_page_holds_table_and_plots_and_loads_nothing(compared):
    text = compared.to_html("Files <of> ours")
    page = Page(text)
    assert "<title>Files &lt;of&gt; ours</title>" in text
    assert [tag for tag, _ in page.tags].count("svg") == 3
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.tags)
    assert "url(" not in text and "@import" not in text and "http" not in text
    assert "prefers-color-scheme: dark" in text
    assert {"large.esp", "small.tflite", "75.00%", "0.500"} <= set(page.words)


def test_points_in_the_same_place_share_a_label(fakes):
    clock, files = fakes
    files[1].add = 0.0
    text = compare(files, SCORES, LABELS, rounds=1, clock=clock).to_html()
    assert ">1, 2</text>" in text


def test_without_scores_the_page_has_no_plot_of_accuracy(fakes):
    clock, files = fakes
    for file in files:
        file.run = lambda inputs: [inputs[0][:, :1]]
    page = Page(compare(files, SCORES, rounds=1, clock=clock).to_html())
    assert [tag for tag, _ in page.tags].count("svg") == 2


def test_files_of_the_same_name_bear_their_folders(tmp_path):
    clock = Clock()
    files = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.esp").write_bytes(b"x")
        files.append(Fake(tmp_path / folder / "model.esp", clock, 1.0))
    assert [row.name for row in compare(files, SCORES, rounds=1, clock=clock).rows] == ["a/model.esp", "b/model.esp"]


def test_mistakes_are_named(fakes):
    clock, files = fakes
    with pytest.raises(ConfigError, match=r"`baseline` must be in \[0, 1\]\. Received: baseline=2\."):
        compare(files, SCORES, baseline=2, clock=clock)
    with pytest.raises(DataError, match=r"labels: expected one for each of 4 inputs\. Received: 3\."):
        compare(files, SCORES, LABELS[:3], clock=clock)
