"""Recipes: YAML files and `key=value` settings that merge into one description of a run; nothing heavy is loaded."""
