"""The first recipe for somebody's own data: what the data is, what suits it, and the text of the recipe."""
