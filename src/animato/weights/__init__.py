"""Weight files: which there are, where they come from, and how each of their keys finds its place in a network."""
