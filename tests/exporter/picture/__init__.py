"""Tests of pictures of models."""
