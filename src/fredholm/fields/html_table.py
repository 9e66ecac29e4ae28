"""Tables in HTML: how objects show themselves in a notebook."""

from collections.abc import Sequence
from html import escape


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A title and a table; all text is escaped.

    >>> html_table("Field", ["channel"], [["p < 0"]])
    '<p><b>Field</b></p><table><tr><th>channel</th></tr><tr><td>p &lt; 0</td></tr></table>'
    """
    lines = [_row("th", header), *(_row("td", row) for row in rows)] if rows else []
    return f"<p><b>{escape(title)}</b></p>" + (f"<table>{''.join(lines)}</table>" if lines else "")


def _row(cell: str, values: Sequence[object]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(str(value))}</{cell}>" for value in values) + "</tr>"
