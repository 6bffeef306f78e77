"""From a finished Keras model to a program of integers."""
