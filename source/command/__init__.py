"""The command line; no TensorFlow is loaded before an action needs it."""
