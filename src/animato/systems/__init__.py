"""One page per system, each the whole method from top to bottom."""
