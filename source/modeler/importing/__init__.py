"""Weights from elsewhere: files read as arrays by name, and rules that say what becomes of each."""
