"""Tests of the frame of pages and of their tables."""

from source.exporter.page.html_page import folded, html_page, html_table, pairs_table, paragraph


def test_a_page_has_a_title_and_its_parts():
    page = html_page("a <b>", ["<p>c</p>", "<p>d</p>"])
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">') and page.endswith("</body>\n</html>\n")
    assert "<title>a &lt;b&gt;</title>" in page and "<h1>a &lt;b&gt;</h1>\n<p>c</p>\n<p>d</p>\n</main>" in page
    assert "http" not in page and "url(" not in page and "<script" not in page


def test_words_stand_left_and_the_baseline_is_marked():
    table = html_table(["file", "bytes"], [["a&b", "1"], ["c", "2"]], baseline=1)
    assert '<tr><th class="words">file</th><th>bytes</th></tr>' in table
    assert '<tr><td class="words">a&amp;b</td><td>1</td></tr>' in table
    assert '<tr class="baseline"><td class="words">c</td><td>2</td></tr>' in table


def test_texts_are_escaped_everywhere():
    assert paragraph("<i>") == "<p>&lt;i&gt;</p>"
    assert '<td class="words">&lt;i&gt;</td><td class="words">x</td>' in pairs_table([("<i>", "x")])
    assert folded("<i>", ["<b>x</b>"]) == "<details>\n<summary>&lt;i&gt;</summary>\n<b>x</b>\n</details>"
