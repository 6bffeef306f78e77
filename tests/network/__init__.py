"""Tests of the networks: counts, names, precision, saving, and weights that others trained."""
