"""Lines for a terminal: wrapped with their indent kept, coloured or plain."""

from io import StringIO

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text

Part = tuple[str, str]
"""Visible text and its style, in rich's words; "" for none. Text never acts as markup."""


class TerminalPage:
    """Text that grows by lines of at most `width` columns.

    Lines are put together here, because rich takes a millisecond to print one.
    """

    def __init__(self, width: int, *, color: bool) -> None:
        self._width = width
        self._color = ColorSystem.STANDARD if color else None
        self._lines: list[str] = []
        self._console = Console(
            file=StringIO(),
            width=width,
            height=25,
            force_terminal=color,
            color_system="standard" if color else None,
            legacy_windows=False,
            _environ={},
        )

    def add(self, lead: Part, *parts: Part) -> None:
        """Add the parts after `lead`, under which no wrapped line goes."""
        margin = cell_len(lead[0])
        if self.fits(margin, *parts):
            self._lines.append("".join(self._styled(*part) for part in (lead, *parts)))
            return
        start = self._styled(*lead)
        text = Text.assemble(*parts, overflow="fold")
        for line in text.wrap(self._console, self._room(margin)):
            segments = line.render(self._console)
            self._lines.append(start + "".join(self._styled(s.text, s.style) for s in segments))
            start = " " * margin

    def add_blank(self) -> None:
        """Add an empty line."""
        self._lines.append("")

    def add_rich(self, renderable: RenderableType) -> None:
        """Add what rich itself lays out, such as a table."""
        with self._console.capture() as capture:
            self._console.print(renderable)
        self._lines.extend(capture.get().splitlines())

    def fits(self, margin: int, *parts: Part) -> bool:
        """Say whether the parts fit on one line after a margin of so many columns."""
        return sum(cell_len(text) for text, _ in parts) <= self._room(margin)

    def text(self) -> str:
        """Return all lines, none of which ends in a blank."""
        return "".join(f"{line.rstrip()}\n" for line in self._lines)

    def _room(self, margin: int) -> int:
        # Under 20 columns nothing is readable: there the terminal may wrap as it likes.
        return max(self._width - margin, 20)

    def _styled(self, text: str, style: str | Style | None) -> str:
        if self._color is None or not style:
            return text
        return self._console.get_style(style).render(text, color_system=self._color)
