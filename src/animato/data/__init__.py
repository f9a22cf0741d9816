"""Material with known truth: procedural people and their motions."""
