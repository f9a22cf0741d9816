"""Measures of a result: frames against a truth, poses against a target."""
