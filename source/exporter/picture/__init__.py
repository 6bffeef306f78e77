"""Pictures of models: weights, activations and gates, as PNG and SVG files."""
