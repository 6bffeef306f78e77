"""Tests of layers of our own."""
