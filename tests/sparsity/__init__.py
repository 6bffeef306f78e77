"""Tests of which weights live."""
