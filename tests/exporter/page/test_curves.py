"""Tests of curves."""

import re
import xml.etree.ElementTree as ElementTree

from source.exporter.page.curves import Curve, curves, thinned


def texts(svg, kind):
    return re.findall(f'<text class="{kind}"[^>]*>([^<]*)<', svg)


def test_curves_stand_on_even_ticks():
    svg = curves("accuracy", [Curve("training", [(0, 0.5), (100, 0.9)]), Curve("test", [(100, 0.8)], True)], "step")
    assert ElementTree.fromstring(svg).attrib["aria-label"] == "accuracy over step"
    assert texts(svg, "tick end")[:6] == ["0.5", "0.6", "0.7", "0.8", "0.9", "test"]
    assert texts(svg, "tick middle") == ["0", "20", "40", "60", "80", "100", "step"]
    assert '<polyline class="curve" points="96.0,330.0 680.0,44.0"/>' in svg
    assert '<circle class="point" cx="680.0" cy="115.5" r="4"/>' in svg


def test_numbers_far_apart_stand_on_a_logarithmic_axis():
    svg = curves("loss", [Curve("training", [(0, 0.01), (1, 0.1), (2, 1.0)])], "step")
    assert texts(svg, "tick end") == ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
    assert "training" not in svg  # a curve alone needs no legend


def test_a_constant_and_a_single_step_are_drawn():
    svg = curves("loss", [Curve("training", [(3, 0.25), (4, 0.25)])], "step")
    assert 'points="96.0,' in svg
    assert "<circle" in curves("loss", [Curve("training", [(0, 0.0)])], "step")
    assert "<circle" in curves("loss", [Curve("training", [(7, -3.0)])], "step")


def test_what_is_no_number_parts_a_curve():
    svg = curves("loss", [Curve("training", [(0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 1.5)])], "step")
    assert svg.count("<polyline") == 2


def test_names_are_escaped():
    svg = curves("<a>", [Curve("<b>", [(0, 1.0)]), Curve("c", [(0, 2.0)])], '"')
    ElementTree.fromstring(svg)
    assert "&lt;a&gt;" in svg and "&lt;b&gt;" in svg


def test_a_long_curve_keeps_its_peaks_and_its_ends():
    points = [(x, 1.0) for x in range(10_000)]
    points[5_003] = (5_003, 9.0)
    points[77] = (77, None)
    kept = thinned(points)
    assert len(kept) < 500 and (5_003, 9.0) in kept and kept[-1] == points[-1] and kept[0] == (0, 1.0)
    assert kept == sorted(kept)
    assert thinned(points[:480]) == points[:480]
    assert thinned([(x, None) for x in range(1000)], most=2) == [(0, None), (500, None), (999, None)]
