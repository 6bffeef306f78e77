"""Tests of the preset dictionary."""

import hashlib
import pathlib

from source.exporter.container.common_words import WORDS

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "exporters" / "esp_format.md"


def test_it_is_the_one_that_the_page_of_the_format_names():
    digest = hashlib.sha256(WORDS).hexdigest()
    assert digest in PAGE.read_text(encoding="utf-8")
    assert f"{len(WORDS):,} bytes" in PAGE.read_text(encoding="utf-8")


def test_deflate_sees_all_of_it():
    assert len(WORDS) < 32768 - 262
