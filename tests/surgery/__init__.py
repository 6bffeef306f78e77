"""Tests of copies of models."""
