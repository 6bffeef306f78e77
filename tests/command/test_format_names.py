"""Tests that the formats and patterns that are listed are those that are read."""

from source.command.format_names import number_formats, sparsity_patterns


def test_each_rule_of_the_grammar_is_listed_once_with_a_meaning():
    from source.numeric import grammar

    assert [name for name, _ in number_formats()] == [rule.form for rule in grammar._RULES]
    assert all(text.endswith(".") for _, text in number_formats())


def test_each_pattern_is_listed_by_a_name_that_is_read():
    from source.sparsity import grammar, sparsity_pattern

    names = [name for name, _ in sparsity_patterns()]
    assert {type(sparsity_pattern(name)) for name in names} == {
        type(sparsity_pattern(name)) for name in grammar._EXAMPLES
    }
    assert dict(sparsity_patterns())["DENSE"] == "Keeps everything."
