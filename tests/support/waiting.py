"""How tests wait: for events, never for time to pass."""

from __future__ import annotations

import signal

HANGS = 600  # seconds; so generous that it only ends a test that hangs, on however busy a machine


def hears_ctrl_c() -> None:
    """For a process that is about to start (preexec_fn): what a shell runs in its background is deaf to Ctrl-C, and so are its children.

    What nohup runs is deaf to a closed terminal, too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
