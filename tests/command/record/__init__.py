"""Tests of what reads the folders of runs."""
