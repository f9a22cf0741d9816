"""Frozen records from tables of names and values, as TOML and JSON give them, checked name by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from animato.core.errors import InputError

T = TypeVar("T")
Reader = Callable[[dict[str, Any], str], Any]


def build(kind: type[T], content: Mapping[str, Any], where: str, readers: Mapping[str, Reader] | None = None) -> T:
    """A dataclass from a table. `readers` make what is no dataclass of one kind, by the names of fields. Raises InputError."""
    types = get_type_hints(kind)
    defaults = vars(kind())
    unknown = set(content) - set(defaults)
    if unknown:
        raise InputError(f"{where}: '{sorted(unknown)[0]}' is unknown; known are {', '.join(defaults)}.")
    values = {}
    for name, value in content.items():
        field = f"{where}: {name}"
        if readers and name in readers:
            values[name] = readers[name](table(value, field), field)
        elif is_dataclass(defaults[name]):
            values[name] = build(types[name], table(value, field), field)
        elif get_origin(types[name]) is Literal and value not in get_args(types[name]):
            raise InputError(f"{field} must be one of {', '.join(get_args(types[name]))}, not {value!r}.")
        else:
            values[name] = _checked(value, defaults[name], field)
    return kind(**values)


def table(value: Any, where: str) -> dict[str, Any]:
    """The value, which must be a table. Raises InputError."""
    if not isinstance(value, dict):
        raise InputError(f"{where} must be a table of names and values, not {value!r}.")
    return value


def _checked(value: Any, default: Any, where: str) -> Any:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise InputError(f"{where} must be like {default!r}, not {value!r}.")
    return value
