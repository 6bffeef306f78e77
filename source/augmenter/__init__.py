"""Random pixels as pure functions of a key: plugins that turn decoded images into a network's input."""
