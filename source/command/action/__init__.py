"""What a recipe can be told to do: one module an action, named as on the command line with `-` for `_`."""
