"""Tests of pages and their plots."""
