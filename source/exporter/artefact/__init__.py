"""Exported files that can be run: one class for each kind, opened by what the file is."""
