import importlib.metadata
import sys
import textwrap

import pytest

from source.config import plugin
from source.config.errors import MissingDependencyError, UnknownNameError
from source.config.plugin import ROOMS, available, locate, resolve


@pytest.fixture
def importable(tmp_path, monkeypatch):
    """A function that writes a module below a folder on `sys.path`; its modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(path, text=""):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def installed(importable):
    """A function that installs an entry point, as a distribution of somebody else would."""

    def install(room, name, module):
        importable("mylab-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n")
        importable("mylab-1.0.dist-info/entry_points.txt", f"[espalier.{room}]\n{name} = {module}\n")

    return install


def refused(error, room, name):
    with pytest.raises(error) as caught:
        resolve(room, name)
    return str(caught.value)


def test_the_folder_is_the_registry():
    assert "train_basic" in available("callback")
    assert resolve("callback", "train_basic").__name__ == "source.callback.train_basic"


def test_a_plugin_is_located_without_being_loaded(importable):
    importable("mylab/__init__.py")
    importable("mylab/broken.py", "raise RuntimeError")
    assert locate("network", "mylab.broken") == "mylab.broken"
    assert locate("callback", "train_basic") == "source.callback.train_basic"
    with pytest.raises(UnknownNameError, match="Did you mean `train_basic`"):
        locate("callback", "train_basics")


def test_base_classes_and_helpers_are_no_plugins():
    names = available("callback")
    assert names == sorted(names)
    assert not {"callback", "schedule", "_text", "__init__"} & set(names)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_can_be_listed(room):
    assert all(name.isidentifier() and not name.startswith("_") for name in available(room))


def test_a_dotted_path_names_any_module(importable):
    importable("mylab/__init__.py")
    importable("mylab/tiny.py", "NUMBER = 7")
    assert resolve("network", "mylab.tiny").NUMBER == 7
    assert resolve("callback", "source.callback.train_loss").__name__ == "source.callback.train_loss"


def test_an_entry_point_names_an_installed_plugin(importable, installed):
    importable("mylab_tiny.py", "NUMBER = 7")
    installed("network", "tiny", "mylab_tiny")
    assert "tiny" in available("network")
    assert "tiny" not in available("callback")
    assert resolve("network", "tiny").NUMBER == 7


def test_what_is_shipped_goes_before_what_is_installed(importable, installed):
    importable("mylab_tiny.py")
    installed("callback", "train_loss", "mylab_tiny")
    assert resolve("callback", "train_loss").__name__ == "source.callback.train_loss"
    assert available("callback").count("train_loss") == 1


def test_finding_a_plugin_runs_no_other(importable, installed):
    importable("mylab_bad.py", "raise RuntimeError('was run')")
    installed("callback", "bad", "mylab_bad")
    assert "bad" in available("callback")
    with pytest.raises(RuntimeError, match="was run"):
        resolve("callback", "bad")


def test_an_unknown_room_offers_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        available("calback")
    assert str(caught.value) == "room `calback`: there is no such room. Did you mean `callback`?"
    assert refused(UnknownNameError, "calback", "x").startswith("room `calback`: ")


def test_an_unknown_name_offers_the_nearest():
    message = refused(UnknownNameError, "callback", "train_los")
    assert message.startswith("callback `train_los`: no plugin has this name. Did you mean `train_loss`")


def test_installed_plugins_are_offered_too(installed):
    installed("callback", "zebra_stripes", "mylab")
    message = refused(UnknownNameError, "callback", "zebra_stripe")
    assert message == "callback `zebra_stripe`: no plugin has this name. Did you mean `zebra_stripes`?"


@pytest.mark.parametrize(
    "name",
    ["mylab.tinny", "mylab.tiny.deeper", "nobody.has.this", "..", ".tiny", "a..b", "mylab.", "tiny.py"],
)
def test_a_dotted_path_that_leads_nowhere_is_unknown(importable, name):
    importable("mylab/__init__.py")
    importable("mylab/tiny.py")
    message = refused(UnknownNameError, "network", name)
    assert message.startswith(f"network `{name}`: no such module can be imported. ")


def test_a_mistyped_dotted_path_offers_the_nearest_of_the_room():
    message = refused(UnknownNameError, "callback", "source.callback.train_los")
    assert "Did you mean `train_loss`" in message


@pytest.mark.parametrize("name", ["", "no-such", "train loss"])
def test_a_name_that_cannot_be_a_module_is_unknown(name):
    assert refused(UnknownNameError, "callback", name).startswith(f"callback `{name}`: no plugin has this name. ")


def test_a_missing_package_is_named(importable):
    importable("mylab/__init__.py")
    importable("mylab/needy.py", "import a_package_nobody_has.inner")
    assert refused(MissingDependencyError, "network", "mylab.needy") == (
        "network `mylab.needy`: its module mylab.needy needs the package `a_package_nobody_has`, which is "
        "not installed. Install it and try again."
    )


def test_a_missing_package_of_an_installed_plugin_is_named(importable, installed):
    importable("mylab_needy.py", "from a_package_nobody_has import thing")
    installed("network", "needy", "mylab_needy")
    assert refused(MissingDependencyError, "network", "needy") == (
        "network `needy`: its module mylab_needy needs the package `a_package_nobody_has`, which is not "
        "installed. Install it and try again."
    )


def test_a_missing_package_of_the_package_around_a_plugin_is_named(importable):
    importable("mylab/__init__.py", "import a_package_nobody_has")
    importable("mylab/tiny.py")
    assert refused(MissingDependencyError, "network", "mylab.tiny") == (
        "network `mylab.tiny`: its module mylab.tiny needs the package `a_package_nobody_has`, which is not "
        "installed. Install it and try again."
    )


def test_a_plugin_that_lacks_a_part_of_its_own_is_not_told_to_install_itself(importable):
    importable("mylab/__init__.py")
    importable("mylab/tiny.py", "import mylab.helpers.deep")
    assert refused(MissingDependencyError, "network", "mylab.tiny") == (
        "network `mylab.tiny`: its module mylab.tiny imports `mylab.helpers`, which the installed "
        "package `mylab` does not have."
    )


def test_an_entry_point_without_its_module_says_so(installed):
    installed("network", "tiny", "a_package_nobody_has.tiny")
    assert refused(MissingDependencyError, "network", "tiny") == (
        "network `tiny`: its module a_package_nobody_has.tiny needs the package "
        "`a_package_nobody_has`, which is not installed. Install it and try again."
    )


def test_an_import_error_without_a_name_keeps_its_words(importable):
    importable("mylab/__init__.py")
    importable("mylab/odd.py", "raise ModuleNotFoundError('no accelerator')")
    assert refused(MissingDependencyError, "network", "mylab.odd") == (
        "network `mylab.odd`: its module mylab.odd cannot be imported: no accelerator."
    )


def test_a_defect_of_a_plugin_keeps_its_traceback(importable):
    importable("mylab/__init__.py")
    importable("mylab/broken.py", "from math import no_such_function")
    with pytest.raises(ImportError, match="no_such_function") as caught:
        resolve("network", "mylab.broken")
    assert not isinstance(caught.value, MissingDependencyError)


def test_a_room_without_folder_has_no_plugins_but_installed_ones(monkeypatch):
    monkeypatch.setitem(plugin._NOT_PLUGINS, "cellar", set())
    assert available("cellar") == []
    assert refused(UnknownNameError, "cellar", "x") == "cellar `x`: no plugin has this name. None is known."
