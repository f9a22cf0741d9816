"""Networks: torch and diffusers' building blocks, and nothing of the project but `core`."""
