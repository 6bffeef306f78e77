"""A handler for each kind of layer, one to a file; each module has a `HANDLER`."""
