"""Tests of the report of a run."""

import html.parser
import json
import re

import pytest

from source.command.record.run_folder import read_run
from source.command.record.run_report import report_html, write_report
from source.config.errors import DataError
from tests.command.record.folders import EVALUATED, make_run, record

WEIGHT = {"layer": "conv1", "weight": "kernel", "shape": [3, 3, 1, 16], "kept": 72, "bits": 4.0, "bytes": 72}
COMPRESSION = {
    "rows": [
        {**WEIGHT, "sqnr_db": 40.5, "how": "int8<channel>", "compressed": True},
        {**WEIGHT, "weight": "bias", "shape": [16], "sqnr_db": None, "how": "is no kernel", "compressed": False},
    ],
    "activations": {"relu1 output": "uint8"},
    "totals": {"numbers": 160, "kept": 88, "bytes": 136, "float32_bytes": 640, "ratio": 4.7},
    "notes": ["A note <of> it."],
}
EXPORTED = {
    "exporter": "litert",
    "examples": 16,
    "real_examples": True,
    "outputs": [{"relative": 1e-4}, {"relative": None}],
    "tolerance": 1e-3,
    "accepted": True,
    "notes": ["All integers."],
}


class Page(html.parser.HTMLParser):
    """Collects the tags, the cells of tables by row, and checks that tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.open = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "meta" and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] in (["td"], ["th"]):
            self.rows[-1][-1] += data


@pytest.fixture
def folder(tmp_path):
    outcome = {"state": "finished", "step": 10, "max_step": 10, "started": "2026-01-02T03:04:05+00:00"}
    settings = {**record(compressor="quantize_aware"), "seed": 7, "git": {"commit": "abc", "changed": False}}
    folder = make_run(tmp_path / "run", settings=settings, outcome=outcome, compression=COMPRESSION)
    (folder / "recipe.yaml").write_text("name: <first>\n")
    for place in ("export/litert/1", "export/1/assets", "evaluate/json", "checkpoints"):
        (folder / place).mkdir(parents=True)
    (folder / "export/litert/1/model.tflite").write_bytes(bytes(1234))
    (folder / "export/litert/1/model.tflite.report.json").write_text(json.dumps(EXPORTED))
    (folder / "export/1/saved_model.pb").write_bytes(bytes(300))
    (folder / "export/1/assets/words.npz").write_bytes(bytes(10))
    (folder / "finished.keras").write_bytes(bytes(5000))
    (folder / "checkpoints/checkpoint-00000010.npz").write_bytes(bytes(2000))
    (folder / "evaluate/json/10.json").write_text('{"last_step": 10, "metrics": {"accuracy": 0.5, "per": [1, 2]}}')
    (folder / "evaluate/all.csv").write_text("step,accuracy\n5,0.625\n10\n")
    return folder


def test_the_page_holds_everything_and_loads_nothing(folder):
    text = report_html(read_run(folder))
    page = Page(text)
    assert "<title>&lt;first&gt;</title>" in text
    assert "lenet5 on mnist, compressed by quantize_aware. Finished." in text
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.tags)
    assert "url(" not in text and "@import" not in text and "http" not in text
    heads = re.findall(r"<h2>([^<]*)</h2>", text)
    assert heads == ["Curves", "Compression", "Evaluations", "Files", "Settings", "Environment"]


def test_the_page_says_what_the_files_say(folder):
    rows = Page(report_html(read_run(folder))).rows
    assert ["best accuracy", "0.625 in evaluation"] in rows and ["steps", "10 of 10"] in rows
    weight = ["conv1", "kernel", "int8<channel>", "3 x 3 x 1 x 16", "144", "72", "50.00%", "4", "72", "40.5"]
    assert weight in rows and ["conv1 bias", "is no kernel"] in rows and ["relu1 output", "uint8"] in rows
    assert ["5", "0.5", "1.5", "0.625", "8", "0.1"] in rows  # an evaluation of training
    assert ["metrics.accuracy", "0.5"] in rows and ["metrics.per", "[1, 2]"] in rows
    assert ["5", "0.625"] in rows and ["10", ""] in rows  # a row of a CSV file that was cut off
    difference = "by 1.00e-04 of the range (at most 1.00e-03)"
    assert ["export/litert/1/model.tflite", "litert", difference, "16 given inputs", "1,234", "1.23 kB"] in rows
    assert ["export/1", "", "", "", "310", "310 B"] in rows
    assert ["finished.keras", "", "", "", "5,000", "5 kB"] in rows
    assert ["checkpoints/ (1)", "", "", "", "2,000", "2 kB"] in rows
    assert ["versions keras", "3.15.1"] in rows and ["git commit", "abc"] in rows and ["seed", "7"] in rows


def test_curves_are_drawn_of_each_metric(folder):
    text = report_html(read_run(folder))
    assert re.findall(r'aria-label="([^"]*) over step"', text) == ["loss", "accuracy"]
    assert "72 of" not in text and "88 of 160 weights are kept (45.00% are zero), 6.800 bits each: 136 bytes" in text


def test_a_run_that_has_only_begun_has_a_page(tmp_path):
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    text = report_html(read_run(folder))
    assert "<p>A run. Begun.</p>" in text and "<h2>" not in text


def test_a_rejected_file_and_notes_are_told(folder):
    report = {**EXPORTED, "accepted": False, "real_examples": False}
    (folder / "export/litert/1/model.tflite.report.json").write_text(json.dumps(report))
    text = report_html(read_run(folder))
    assert "(at most 1.00e-03), rejected</td>" in text and "16 random inputs" in text
    assert "<p>export/litert/1/model.tflite: All integers.</p>" in text and "<p>A note &lt;of&gt; it.</p>" in text


def test_only_the_last_evaluations_are_listed(folder):
    many = [{"kind": "evaluate", "step": step, "accuracy": step / 100} for step in range(1, 61)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in many))
    text = report_html(read_run(folder))
    assert "The last 50 of 60 evaluations." in text
    assert ["11", "0.11"] in Page(text).rows and ["10", "0.1"] not in Page(text).rows


ODD = [None, 3, "x<y", [], {}, [[1]], [None], {"rows": 3}, {"rows": [3, {"compressed": True, "shape": ["a"]}]}]


@pytest.mark.parametrize("odd", ODD)
def test_files_of_other_forms_do_not_spoil_the_page(folder, odd):
    parts = dict.fromkeys(("inputter", "modeler", "compressor", "runner", "callbacks", "versions"), odd)
    inner = {"rows": odd, "totals": odd, "activations": odd, "notes": odd}
    for settings, compression in ((parts, odd), ({**parts, "inputter": {"config": odd}}, inner)):
        (folder / "run.json").write_text(json.dumps(settings))
        (folder / "compression.json").write_text(json.dumps(compression))
        (folder / "outcome.json").write_text(json.dumps({"state": odd, "process": odd, "step": odd}))
        (folder / "recipe.yaml").write_text(json.dumps({"name": odd, "network": odd, "compressor": odd}))
        (folder / "metrics.jsonl").write_text(json.dumps({"kind": "evaluate", "step": 1, "a": odd}) + "\n")
        (folder / "evaluate/all.csv").write_bytes(b"\xff\xfe")
        (folder / "evaluate/json/10.json").write_text(json.dumps(odd))
        (folder / "export/litert/1/model.tflite.report.json").write_text(json.dumps({"outputs": odd, "notes": odd}))
        Page(report_html(read_run(folder)))


def test_what_is_damaged_is_named_on_the_page(folder):
    (folder / "run.json").write_text('{"modeler": ')
    (folder / "evaluate/json/10.json").write_text("{")
    text = report_html(read_run(folder))
    assert "<h2>What could not be read</h2>" in text and "run.json: is damaged: Expecting value" in text
    assert "evaluate/json/10.json cannot be read: Expecting property name" in text


def test_the_page_is_written_and_replaced(folder, tmp_path):
    assert write_report(folder) == folder / "report.html"
    first = (folder / "report.html").read_text()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in EVALUATED[:2]))
    write_report(folder, tmp_path / "other.html")
    assert (folder / "report.html").read_text() == first != (tmp_path / "other.html").read_text()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_folder_that_is_no_run_is_refused(tmp_path, folder):
    with pytest.raises(DataError, match="none: there is no such folder"):
        write_report(tmp_path / "none")
    with pytest.raises(DataError, match=r"expected the folder of a run, with run\.json or metrics\.jsonl in it"):
        write_report(tmp_path)
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        write_report(folder, tmp_path / "none" / "a.html")
