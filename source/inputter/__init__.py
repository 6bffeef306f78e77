"""Plugins that turn files into batches, and what they share."""
