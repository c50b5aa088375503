"""The trend is a small picture, and is drawn whatever the numbers are."""

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from driftwatch.render.trend import HEIGHT, WIDTH, describe_trend, render_trend
from tests.builders import NOW
from tests.render.notices import TREND


def open_picture(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(BytesIO(content))


def test_a_trend_is_a_picture_on_clear_ground_twice_as_fine_as_shown() -> None:
    picture = open_picture(render_trend(TREND))
    assert picture.format == "PNG"
    assert picture.size == (WIDTH * 2, HEIGHT * 2)
    assert picture.convert("RGBA").getchannel("A").getpixel((5, 5)) == 0


def test_a_trend_needs_two_moments() -> None:
    assert render_trend(()) is None
    assert render_trend(TREND[:1]) is None
    assert render_trend([(NOW, 1), (NOW, 2)]) is None


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (5, 100_000), (3, 3)])
def test_any_numbers_are_drawn(counts: tuple[int, int]) -> None:
    points = [(NOW - timedelta(days=1), counts[0]), (NOW, counts[1])]
    open_picture(render_trend(points)).verify()


def test_many_points_make_no_large_picture() -> None:
    points = [(NOW - timedelta(minutes=n), n % 50) for n in range(20_000)]
    content = render_trend(points)
    assert content is not None
    assert len(content) < 60_000


def test_more_drifts_reach_higher() -> None:
    def ink(counts: list[int]) -> int:
        points = [(NOW - timedelta(days=9 - n), count) for n, count in enumerate(counts)]
        alpha = open_picture(render_trend(points)).convert("RGBA").getchannel("A")
        return sum(alpha.histogram()[1:])

    assert ink([8] * 9 + [8]) > ink([8] + [0] * 9)


def test_the_picture_is_told_in_words_for_those_who_do_not_see_it() -> None:
    told = describe_trend(TREND)
    assert told == (
        "Open drifts from 2026-01-31 09:30 UTC to 2026-03-02 09:30 UTC: 4 at most, 0 at the end."
    )
