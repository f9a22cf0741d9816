"""Bytes of good files changed at random, as a bad disk or an attacker would."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from animato.core.errors import AnimatoError

ODD = [b"", b"\0", b"\xff", b"null", b"true", b"NaN", b"-1", b"1e999", b"9" * 20, b"[]", b"{}", b'""', b"[" * 30, b"\n", b"'", b"=", b"."]


def changed(data: bytes, chance: random.Random) -> bytes:
    """Up to four places of `data` cut out, doubled or replaced by something odd; one in ten is cut off, too."""
    edited = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(edited) + 1)
        after = min(at + chance.choice([0, 1, 1, 4, 40]), len(edited))
        edited[at:after] = chance.choice([bytes([chance.randrange(256)]), edited[at:after] * 2, chance.choice(ODD)])
    return bytes(edited[: chance.randrange(len(edited) + 1)] if chance.random() < 0.1 else edited)


def refused(path: Path, read: Callable[[Path], object], change: Callable[[Path, bytes, random.Random], None], tries: int) -> int:
    """How many changes of a good file are refused by a sentence; the others are read. Anything else is a failed test."""
    read(path)
    good = path.read_bytes()
    count = 0
    for seed in range(tries):
        change(path, good, random.Random(seed))
        try:
            read(path)
        except AnimatoError as error:
            assert len(str(error)) < 1000, f"seed {seed}: too long for a sentence"
            count += 1
        except Exception as error:
            raise AssertionError(f"{path.name} changed with seed {seed} raises {type(error).__name__}: {error}") from error
    return count
