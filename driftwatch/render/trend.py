"""The trend of open drifts as a small PNG, readable on light and on dark ground."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from driftwatch.render.plain import moment

WIDTH, HEIGHT = 560, 128
"""Size at which a mail shows the picture, whose own pixels are twice as fine."""

_FINE = 2
_SMOOTH = 2  # drawn so much larger, then scaled down: Pillow draws lines without smoothing
_MOST_POINTS = 600
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 8, 12, 28
_LINE = (207, 87, 60, 255)
_FILL = (207, 87, 60, 46)
_GRID = (128, 136, 146, 80)
_WORDS = (122, 130, 140, 255)
_Point = tuple[datetime, int]


def render_trend(points: Sequence[_Point]) -> bytes | None:
    """Draw how many drifts were open when; None where fewer than two moments are known."""
    ordered = sorted(points)[-_MOST_POINTS:]
    if len(ordered) < 2 or ordered[0][0] == ordered[-1][0]:  # noqa: PLR2004 - no line without two
        return None
    scale = _FINE * _SMOOTH
    image = Image.new("RGBA", (WIDTH * scale, HEIGHT * scale), (255, 255, 255, 0))
    _draw(image, ordered, scale)
    smooth = image.resize((WIDTH * _FINE, HEIGHT * _FINE), Image.Resampling.LANCZOS)
    _write(smooth, ordered)
    content = BytesIO()
    smooth.save(content, "PNG", optimize=True)
    return content.getvalue()


def describe_trend(points: Sequence[_Point]) -> str:
    """Say in words what the picture shows."""
    ordered = sorted(points)
    (first, _), (last, now) = ordered[0], ordered[-1]
    most = max(count for _, count in ordered)
    return f"Open drifts from {moment(first)} to {moment(last)}: {most} at most, {now} at the end."


def _draw(image: Image.Image, points: Sequence[_Point], scale: int) -> None:
    """Draw a line with steps: a number of open drifts holds until the next look."""
    pen = ImageDraw.Draw(image, "RGBA")
    top = _ceiling(points)
    for part in (0, 0.5, 1):
        y = _y(part * top, top) * scale
        pen.line([(_LEFT * scale, y), ((WIDTH - _RIGHT) * scale, y)], _GRID, scale)
    line = [(x * scale, y * scale) for x, y in _steps(points, top)]
    base = _y(0, top) * scale
    pen.polygon([(line[0][0], base), *line, (line[-1][0], base)], fill=_FILL)
    pen.line(line, _LINE, round(2.2 * scale), joint="curve")
    (x, y), size = line[-1], 3.6 * scale
    pen.ellipse([x - size, y - size, x + size, y + size], fill=_LINE)


def _steps(points: Sequence[_Point], top: int) -> Iterator[tuple[float, float]]:
    first, last = points[0][0], points[-1][0]
    width = WIDTH - _LEFT - _RIGHT
    before: float | None = None
    for at, count in points:
        x = _LEFT + width * ((at - first) / (last - first))
        if before is not None:
            yield x, before
        before = _y(count, top)
        yield x, before


def _write(image: Image.Image, points: Sequence[_Point]) -> None:
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=13 * _FINE)
    top = _ceiling(points)
    for number in (0, top):
        pen.text(
            ((_LEFT - 8) * _FINE, _y(number, top) * _FINE), str(number), _WORDS, font, anchor="rm"
        )
    below = (HEIGHT - 5) * _FINE
    pen.text((_LEFT * _FINE, below), _day(points[0]), _WORDS, font, anchor="ls")
    pen.text(((WIDTH - _RIGHT) * _FINE, below), _day(points[-1]), _WORDS, font, anchor="rs")


def _ceiling(points: Sequence[_Point]) -> int:
    """Round the largest number up to an even one, so that half of it is one too."""
    most = max(1, *(count for _, count in points))
    return most + most % 2


def _y(count: float, top: int) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / top


def _day(point: _Point) -> str:
    return f"{point[0].astimezone(UTC):%d %b %Y}"
