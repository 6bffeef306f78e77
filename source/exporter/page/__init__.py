"""Pages of results that stand alone: one HTML file each, with plots inside, that loads nothing from elsewhere."""
