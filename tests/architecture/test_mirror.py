"""Tests that tests mirror the tree: `source/a/b.py` has `tests/a/test_b.py`.

A private helper, `source/a/_b.py`, is tested through the modules of its room that use it.
"""

from tests.architecture.sources import ROOT

# Module -> the test file that covers it instead, and why.
EXCEPTIONS: dict[str, str] = {}


def test_every_module_has_a_test_file_of_its_name():
    modules = [file.relative_to(ROOT / "source") for file in sorted((ROOT / "source").rglob("[!_]*.py"))]
    missing = [
        module.as_posix()
        for module in modules
        if module.as_posix() not in EXCEPTIONS
        if not (ROOT / "tests" / module.parent / f"test_{module.name}").is_file()
    ]
    assert not missing, "\n".join(missing)


def test_every_exception_names_a_module_and_the_tests_that_cover_it():
    for module, tests in EXCEPTIONS.items():
        assert (ROOT / "source" / module).is_file(), module
        assert (ROOT / "tests" / tests).is_file(), tests
