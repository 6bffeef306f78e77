"""Tests of compressors."""
