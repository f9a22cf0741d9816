"""One .tflite file made callable: a square picture in, its outputs out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

LOGIT_LIMIT = 80.0
STDERR = 2


class Network:
    """A network on one thread: two collapse under load, and one is fast enough.

    size   pixels of the side of its input
    low    what black becomes; white becomes 1
    """

    def __init__(self, path: Path, low: float = 0.0) -> None:
        with _without_chatter():
            self._interpreter = Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        entry = self._interpreter.get_input_details()[0]
        self._input, self.size = entry["index"], int(entry["shape"][1])
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._scale, self._low = np.float32((1 - low) / 255), np.float32(low)

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray]:
        """size size 3 uint8 RGB -> the outputs, without their batch axis, in the order of the file."""
        self._interpreter.set_tensor(self._input, (pixels * self._scale + self._low)[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)))


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Drops the INFO lines that the runtime, which has no switch for them, writes past Python to the terminal; the rest follows later."""
    try:
        terminal = os.dup(STDERR)
    except OSError:  # there is none, as in a window program
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(terminal, STDERR)
            os.close(terminal)
            kept.seek(0)
            os.write(STDERR, b"".join(line for line in kept if not line.startswith(b"INFO:")))
