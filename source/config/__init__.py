"""Text to typed settings, a name to a module, and messages that help; loads neither TensorFlow nor Keras."""
