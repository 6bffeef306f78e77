"""Descriptions of hardware, for estimates of latency."""
