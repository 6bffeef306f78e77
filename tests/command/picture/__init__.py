"""Tests of pictures of models and runs."""
