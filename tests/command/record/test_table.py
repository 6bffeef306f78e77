"""Tests of tables as text."""

from source.command.record.table import to_csv, to_markdown, to_text

COLUMNS, ROWS = ["run", "loss"], [["a|b", "0.5"], ["c", "12.25"]]


def test_csv_quotes_what_it_must():
    assert to_csv(["a", "b"], [["1,2", ""]]) == 'a,b\n"1,2",\n'


def test_markdown_is_padded_and_escaped():
    lines = ["| run  |  loss |", "| ---- | ----: |", "| a\\|b |   0.5 |", "| c    | 12.25 |"]
    assert to_markdown(COLUMNS, ROWS) == "\n".join(lines) + "\n"
    assert to_markdown(["x"], [["1"]], left=0) == "|   x |\n| --: |\n|   1 |\n"


def test_text_stands_in_columns():
    assert to_text(COLUMNS, ROWS) == "run   loss\na|b    0.5\nc    12.25\n"
    assert to_text(["a", "b"], []) == "a  b\n"
