"""Official weights as data, a file a system: its pieces, and the repositories that have them. Needs no torch."""
