"""How a motion is brought onto the body of another person."""
