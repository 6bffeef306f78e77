"""Tests of small plots."""

import re
import xml.etree.ElementTree as ElementTree

from source.exporter.page.plots import bars, boxes, points


def test_bars_are_as_long_as_their_numbers():
    svg = bars(["large", "x" * 40], [(100.0, 50.0), (25.0, 0.0)], ["100 B", "25 B"], "Bytes <of> files")
    assert ElementTree.fromstring(svg).attrib["aria-label"] == "Bytes <of> files"
    assert re.findall(r'<rect class="(\w+)" [^>]*width="([\d.]+)"', svg) == [
        ("bar", "400.0"),
        ("inner", "200.0"),
        ("bar", "100.0"),
        ("inner", "1.0"),
    ]
    assert ">xxxxxxxxxxxxx…xxxxxxxxxxxxxx</text>" in svg
    assert "<svg" in bars([], [], [], "nothing")


def test_boxes_stand_over_decades():
    svg = boxes(["a", "b"], [[1.0, 1.0, 1.0], [10.0, 20.0, 30.0]], ["1 ms", "20 ms"], "Latency")
    assert re.findall(r">([\d.]+ ms)</text>", svg)[:6] == ["0.5 ms", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms"]
    assert svg.count('class="median"') == 2


def test_points_over_each_other_share_a_number():
    svg = points([1000.0, 1000.0, 50_000.0], [0.5, 0.5, 0.75], ("bytes", "accuracy"), "Accuracy")
    assert ">1, 2</text>" in svg and ">3</text>" in svg and ">1 kB</text>" in svg
