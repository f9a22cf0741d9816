"""Thin faces over the same call: the command line."""
