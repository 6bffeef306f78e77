"""Tests of complaints about command lines."""

import pytest

from source.command.parser import Parser, UsageError


def make_parser() -> Parser:
    parser = Parser(prog="tool", allow_abbrev=False)
    parser.add_argument("--level", type=int)
    actions = parser.add_subparsers(dest="action")
    actions.add_parser("build", allow_abbrev=False).add_argument("--output")
    return parser


def test_known_arguments_are_parsed():
    parsed = make_parser().parse_all(["--level", "3", "build", "--output", "x"])
    assert (parsed.level, parsed.action, parsed.output) == (3, "build", "x")


def test_an_unknown_option_offers_the_nearest_one_and_drops_its_value():
    with pytest.raises(UsageError, match=r"^unknown option `--levle`\. Did you mean `--level`"):
        make_parser().parse_all(["--levle=3"])


def test_options_of_a_command_are_offered_too():
    with pytest.raises(UsageError, match=r"^unknown option `--ouput`\. Did you mean `--output`\?$"):
        make_parser().parse_all(["build", "--ouput", "x"])


def test_an_abbreviated_option_is_refused():
    with pytest.raises(UsageError, match=r"unknown option `--lev`"):
        make_parser().parse_all(["--lev=3"])


def test_one_argument_too_many_is_named():
    with pytest.raises(UsageError, match=r"^one argument too many: `more`\. See `tool --help`\.$"):
        make_parser().parse_all(["build", "more"])


def test_a_malformed_value_is_one_sentence():
    with pytest.raises(UsageError, match=r"^argument --level: invalid int value: 'x'\. See `tool --help`\.$"):
        make_parser().parse_all(["--level", "x"])


def test_flags_that_are_not_known_here_can_be_kept_as_settings():
    parsed = make_parser().parse_all(["build", "--bits=4"], takes_settings=True)
    assert parsed.settings == ["--bits=4"]
    with pytest.raises(UsageError, match=r"one argument too many: `more`"):
        make_parser().parse_all(["build", "--bits=4", "more"], takes_settings=True)
