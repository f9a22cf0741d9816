"""Training: recipes, losses, and the loop that runs them."""
