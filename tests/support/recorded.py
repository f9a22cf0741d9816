"""Where the numbers lie that were recorded from the published systems, unless --parity-dir says otherwise."""

from pathlib import Path

PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"
