"""Tests of what all exporters share."""

import pytest

from source.config.errors import ConfigError
from source.exporter.exporter import Exporter, ExporterConfig


def test_nothing_is_overwritten_unless_asked():
    assert ExporterConfig().overwrite is False
    assert ExporterConfig(overwrite="true").overwrite is True


def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"overwrit: unknown setting\. Did you mean `overwrite`\?"):
        ExporterConfig(overwrit=True)
    with pytest.raises(ConfigError, match=r"overwrite: expected true or false\. Received: 'perhaps'\."):
        ExporterConfig(overwrite="perhaps")


def test_an_exporter_must_say_how_it_exports():
    class Silent(Exporter):
        pass

    with pytest.raises(TypeError, match=r"abstract method '?export"):
        Silent()
