"""How tests wait: for events, never for time to pass."""

HANGS = 600  # seconds; so generous that it only ends a test that hangs, on however busy a machine
