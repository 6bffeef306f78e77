"""Tests of archives of data sets, hostile ones too."""
