"""The loop, the devices, checkpoint and resume."""
