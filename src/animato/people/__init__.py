"""Procedural people and their motions: what is shipped, and what is learned from."""
