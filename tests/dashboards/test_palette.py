"""Colours of states: told apart by readers with any colour vision, and readable as a ground.

Colour vision deficiencies are simulated in linear RGB with the matrices of Machado, Oliveira and
Fernandes (2009) at full severity; differences are distances in CIE L*a*b* (1976), where about 2.3
is just noticeable side by side.
"""

import math
from itertools import combinations
from typing import Final

import pytest

from firstreply.dashboards.palette import STANDING
from firstreply.words import Standing

Rgb = tuple[float, float, float]
Matrix = tuple[Rgb, Rgb, Rgb]

_VISION: Final[dict[str, Matrix]] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "none": ((0.2126, 0.7152, 0.0722),) * 3,
}
_APART: Final = 20
_APART_IN_GREY: Final = 2
"""Without any colour, lightness alone is left: words tell the states apart."""
_WHITE: Final = (1.0, 1.0, 1.0)
_DARK: Final = "#202226"
"""Grafana's text on a light ground."""


def linear(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))

    def one(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return one(red), one(green), one(blue)


def times(matrix: Matrix, rgb: Rgb) -> Rgb:
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in matrix
    )
    return red, green, blue


def lab(rgb: Rgb) -> tuple[float, float, float]:
    def root(t: float) -> float:
        return t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116

    red, green, blue = rgb
    x = root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047)
    y = root(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    z = root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def luminance(rgb: Rgb) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one: Rgb, other: Rgb) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("vision", _VISION)
@pytest.mark.parametrize("pair", list(combinations(Standing, 2)), ids="-".join)
def test_two_states_are_told_apart(pair: tuple[Standing, Standing], vision: str) -> None:
    one, other = (lab(times(_VISION[vision], linear(STANDING[standing]))) for standing in pair)

    assert math.dist(one, other) >= (_APART_IN_GREY if vision == "none" else _APART)


@pytest.mark.parametrize("standing", Standing)
def test_the_text_that_grafana_puts_on_a_colour_is_readable(standing: Standing) -> None:
    """White up to a brightness of 180, dark above; 4.5 is what WCAG 2 asks of any text."""
    colour = STANDING[standing]
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    brightness = (299 * red + 587 * green + 114 * blue) / 1000

    assert abs(brightness - 180) > 5
    text = linear(_DARK) if brightness > 180 else _WHITE
    assert contrast(text, linear(colour)) >= 4.5
