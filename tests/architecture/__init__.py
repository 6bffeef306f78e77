"""Tests of the house itself: which room may import which, what is loaded, what is documented and shipped."""
