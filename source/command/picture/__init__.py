"""Pictures of models and runs: weights, activations, gates and curves, as PNG and SVG files."""
