"""Version numbers against bounds, as pyproject.toml and installed packages write them."""

import pytest

from animato.core.versions import number, split, within


@pytest.mark.parametrize(
    ("version", "bounds", "holds"),
    [
        ("18.0.0", [">=18"], True),
        ("17.1.0", [">=18"], False),
        ("20.0", [">=18", "<20"], False),
        ("19.0.2", [">=18", "<20"], True),
        ("4.11.0.86", [">=4.11"], True),
        ("4.9.0.80", [">=4.11"], False),  # 9 is less than 11, though "9" is more than "1"
        ("2.4.0rc1", [">=2.2", "<3"], True),
        ("2.13.0+cpu", [">=2.6"], True),
        ("1.0", [], True),
    ],
)
def test_a_version_keeps_to_its_bounds(version: str, bounds: list[str], holds: bool) -> None:
    assert within(version, bounds) == holds


def test_zeros_at_the_end_say_nothing() -> None:
    assert number("18") == number("18.0.0") and number("18.0.1") > number("18") and number("20") == (20,)


def test_a_requirement_is_a_name_and_bounds() -> None:
    assert split("av<20,>=18") == ("av", ["<20", ">=18"])
    assert split('torch<3,>=2.6; extra == "diffusion"') == ("torch", ["<3", ">=2.6"])
    assert split("animato[web]") == ("animato", []) and split("rich (>=13)") == ("rich", [">=13"])


def test_other_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="neither >= nor <"):
        within("1.0", ["~=1.0"])
    with pytest.raises(ValueError, match="no name"):
        split(">=3")
