import pytest

from source.callback import _folder
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeRun


def test_makes_the_folder(tmp_path):
    folder = _folder.folder_of(FakeRun(tmp_path / "new"), "asker", "a/b")
    assert folder == tmp_path / "new" / "a" / "b"
    assert folder.is_dir()


def test_refuses_a_run_without_folder():
    message = r"^asker: writes below the folder of the run, and there is none\. Set `model_dir`\.$"
    with pytest.raises(ConfigError, match=message):
        _folder.folder_of(FakeRun(None), "asker")


def test_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    _folder.replace_text(path, "new\nlines\n")
    assert path.read_bytes() == b"new\nlines\n"
    assert list(tmp_path.iterdir()) == [path]
