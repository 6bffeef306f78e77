"""Tests of operators computed by few and cheap operations."""
