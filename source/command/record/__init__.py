"""What runs leave behind: event files, metrics, settings and reports, read without TensorFlow."""
