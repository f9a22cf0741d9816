"""Version numbers, and the bounds that pyproject.toml sets to them."""

from __future__ import annotations

import re


def number(version: str) -> tuple[int, ...]:
    """(4, 11, 0, 86) of "4.11.0.86". Trailing zeros are left out, so that 18 and 18.0.0 are one; so is all that is no plain release."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in re.sub(r"(\.0+)+$", "", release[0]).split(".")) if release else ()


def split(requirement: str) -> tuple[str, list[str]]:
    """("av", ["<20", ">=18"]) of "av<20,>=18". What stands behind a semicolon is left out. Raises ValueError."""
    found = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*\(?([^()]*)\)?", requirement.split(";")[0].strip())
    if not found:
        raise ValueError(f"'{requirement}' is no name with bounds.")
    return found[1], [bound.strip() for bound in found[2].split(",") if bound.strip()]


def within(version: str, bounds: list[str]) -> bool:
    """Whether a version keeps to all bounds, each of them >= or <. Raises ValueError."""
    at = number(version)
    for bound in bounds:
        found = re.fullmatch(r"(>=|<)\s*(\d[\d.]*)", bound)
        if not found:
            raise ValueError(f"The bound '{bound}' is neither >= nor <.")
        limit = number(found[2])
        if not (at >= limit if found[1] == ">=" else at < limit):
            return False
    return True
