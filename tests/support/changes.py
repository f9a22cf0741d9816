"""Bytes of good files changed at random, as a bad disk or an attacker would."""

from __future__ import annotations

import random

ODD = [b"", b"\0", b"\xff", b"null", b"true", b"NaN", b"-1", b"1e999", b"9" * 20, b"[]", b"{}", b'""', b"[" * 30, b"\n", b"'", b"=", b"."]


def changed(data: bytes, chance: random.Random) -> bytes:
    """Up to four places of `data` cut out, doubled or replaced by something odd; one in ten is cut off, too."""
    edited = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(edited) + 1)
        after = min(at + chance.choice([0, 1, 1, 4, 40]), len(edited))
        edited[at:after] = chance.choice([bytes([chance.randrange(256)]), edited[at:after] * 2, chance.choice(ODD)])
    return bytes(edited[: chance.randrange(len(edited) + 1)] if chance.random() < 0.1 else edited)
