"""Small pictures as inline SVG: they use the page's colours and need no request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from driftwatch.render.text import visible
from driftwatch.web.words import plural, span

Point = tuple[datetime, int]

_SPARK = (112.0, 26.0)
_TREND = (480.0, 150.0)
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 12.0, 12.0, 24.0
_MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that has lasted for a while."""

    name: str
    severity: str
    lasted: timedelta


def sparkline(points: Sequence[Point]) -> Markup:
    """Draw how many drifts the last checks found, as small as a word."""
    if not points:
        return Markup('<span class="quiet">no check yet</span>')
    width, height = _SPARK
    top = max(1, *(count for _, count in points))
    line = _steps(points, (2.0, 3.0, width - 4, height - 3), top)
    last = points[-1][1]
    said = f"{plural(last, 'drift')} now, {top if last or _most(points) else 0} at most"
    tone = "bad" if last else "good"
    return Markup(
        '<svg class="spark {}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">'
        '<path d="{}"/>'
        '<circle cx="{:.1f}" cy="{:.1f}" r="2.2"/></svg>'
    ).format(tone, width, height, said, _path(line), *line[-1])


def trend(points: Sequence[Point]) -> Markup:
    """Draw how many drifts were open when, with numbers and dates."""
    if len(points) < 2 or points[0][0] == points[-1][0]:  # noqa: PLR2004 - no line without two
        return Markup('<p class="quiet">A trend needs two checks.</p>')
    width, height = _TREND
    most = _most(points)
    top = max(2, most + most % 2)
    box = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
    line = _steps(points, box, top)
    base = box[3]
    area = f"{_path(line)}V{base:.1f}H{line[0][0]:.1f}Z"
    first, last = points[0], points[-1]
    said = (
        f"Open drifts from {first[0]:%d %b %H:%M} to {last[0]:%d %b %H:%M}:"
        f" {most} at most, {last[1]} at the end."
    )
    return Markup(
        '<svg class="trend" viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{said}">{grid}'
        '<path class="area" d="{area}"/><path class="line" d="{line}"/>'
        '<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
        '<text x="{left:g}" y="{low:g}">{first}</text>'
        '<text x="{right:g}" y="{low:g}" class="end">{last}</text></svg>'
    ).format(
        w=width,
        h=height,
        said=said,
        grid=_grid(box, top),
        area=area,
        line=_path(line),
        x=line[-1][0],
        y=line[-1][1],
        left=box[0],
        right=box[2],
        low=height - 6,
        first=_date(first[0], last[0]),
        last=_date(last[0], first[0]),
    )


def ages(bars: Sequence[Bar]) -> Markup:
    """Draw how long drifts have been open, the longest first."""
    shown = sorted(bars, key=lambda bar: -bar.lasted)[:_MOST_BARS]
    if not shown:
        return Markup('<p class="quiet">Nothing is open.</p>')
    longest = max(shown[0].lasted, timedelta(seconds=1))
    rows = [_age(bar, bar.lasted / longest) for bar in shown]
    return Markup('<ol class="ages">{}</ol>').format(Markup("").join(rows))


def _age(bar: Bar, part: float) -> Markup:
    return Markup(
        '<li><code>{}</code><span class="quiet">{}</span>'
        '<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rail" width="100" height="4"/>'
        '<rect data-severity="{}" width="{:.2f}" height="4"/></svg></li>'
    ).format(visible(bar.name), span(bar.lasted), bar.severity, max(1.0, part * 100))


def _grid(box: tuple[float, float, float, float], top: int) -> Markup:
    left, high, right, low = box
    lines = Markup("")
    for count in (0, top // 2, top):
        y = low - (low - high) * count / top
        lines += Markup(
            '<path class="grid" d="M{:g} {:.1f}H{:g}"/>'
            '<text x="{:g}" y="{:.1f}" class="end">{}</text>'
        ).format(left, y, right, left - 8, y + 4, count)
    return lines


def _steps(
    points: Sequence[Point], box: tuple[float, float, float, float], top: int
) -> list[tuple[float, float]]:
    """Place a line with steps: a number of open drifts holds until the next look."""
    left, high, right, low = box
    first, last = points[0][0], points[-1][0]
    whole = (last - first).total_seconds() or 1.0

    def place() -> Iterator[tuple[float, float]]:
        before: float | None = None
        for at, count in points:
            x = left + (right - left) * (at - first).total_seconds() / whole
            y = low - (low - high) * count / top
            if before is not None and before != y:
                yield x, before
            before = y
            yield x, y

    line = list(place())
    return line if len(line) > 1 else [(left, line[0][1]), (right, line[0][1])]


def _path(line: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line)


def _most(points: Sequence[Point]) -> int:
    return max(count for _, count in points)


def _date(moment: datetime, other: datetime) -> str:
    return f"{moment:%d %b}" if abs(moment - other) > timedelta(days=2) else f"{moment:%d %b %H:%M}"
