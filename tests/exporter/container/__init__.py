"""Tests of the packed container."""
