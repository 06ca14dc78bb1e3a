"""Plain text out of the HTML of a mail. Pure. HTML of mails is never kept to be shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

# what is not told: neither its tags nor what stands inside
_UNSEEN = {"script", "style", "title", "head", "template", "noscript", "iframe", "object", "svg", "math"}
_TAGS = {
    *("p", "div", "br", "hr", "blockquote", "pre", "a", "img", "ul", "ol", "li", "table", "tr", "td", "th", "tbody", "thead"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer"),
}  # fmt: skip
_BLOCKS = _TAGS - {"br", "a", "img", "td", "th", "li", "hr", "tbody", "thead"}
# what nests deeper than anybody writes takes the cleaner long: mails of more tags are told without their shape
_MOST_TAGS = 20_000
_ANY_TAG = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"[ \t\r\n\f]+")


def text_of_html(html: str) -> str:
    """What a reader of the HTML reads: lines and lists as lines, quotations marked with ">", links with their address."""
    if html.count("<") > _MOST_TAGS:
        html = _ANY_TAG.sub("\n", html).replace("<", "&lt;").replace("\n", "<br>")
    cleaned = nh3.clean(html, tags=_TAGS, clean_content_tags=_UNSEEN, attributes={"a": {"href"}, "img": {"alt"}}, link_rel=None, url_schemes={"http", "https", "mailto"})
    writer = _Writer()
    writer.feed(cleaned)
    writer.close()
    return writer.text()


class _Writer(HTMLParser):
    """Writes the text of cleaned HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._depth, self._verbatim = 0, 0
        self._link: tuple[str, int] | None = None

    def text(self) -> str:
        """All of it: no more than one empty line in a row."""
        self._end_line()
        lines: list[str] = []
        for line in self._lines:
            if line.strip(" >") or (lines and lines[-1].strip(" >")):
                lines.append(line)
        return "\n".join(lines).strip("\n")

    def _end_line(self, *, empty: bool = False) -> None:
        said = "".join(self._line)
        said = said.rstrip() if self._verbatim else _SPACES.sub(" ", said).strip(" ")
        if said or empty:
            self._lines.append(f"{'> ' * self._depth}{said}".rstrip())
        self._line = []

    def _paragraph(self) -> None:
        """Ends the line; a paragraph stands apart."""
        self._end_line()
        if self._lines and self._lines[-1].strip(" >"):
            self._lines.append(("> " * self._depth).rstrip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins lines, quotations, links."""
        values = dict(attrs)
        if tag == "br":
            self._end_line(empty=True)
        elif tag == "blockquote":
            self._end_line()
            self._depth += 1
        elif tag == "pre":
            self._end_line()
            self._verbatim += 1
        elif tag == "li":
            self._end_line()
            self._line.append("- ")
        elif tag == "hr":
            self._end_line()
            self._lines.append("_" * 20)
        elif tag == "img" and values.get("alt"):
            self._line.append(f"[{values['alt']}]")
        elif tag == "a":
            self._link = (values.get("href") or "", len(self._line))
        elif tag in {"td", "th"}:
            self._line.append(" ")
        elif tag in {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"}:
            self._paragraph()
        elif tag in _BLOCKS:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        """Ends them."""
        if tag == "a" and self._link:
            address, begun = self._link
            said = "".join(self._line[begun:]).strip()
            shown = address.removeprefix("mailto:")
            if address and shown.rstrip("/") not in {said, said.rstrip("/")} and not address.startswith("mailto:"):
                self._line.append(f" ({address})")
            self._link = None
        elif tag == "blockquote":
            self._end_line()
            self._depth = max(self._depth - 1, 0)
        elif tag == "pre":
            self._end_line()
            self._verbatim = max(self._verbatim - 1, 0)
        elif tag in {"p", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"}:
            self._paragraph()
        elif tag in _BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        """Letters; in preformatted text every line is one."""
        if not self._verbatim:
            self._line.append(data)
            return
        first, *others = data.split("\n")
        self._line.append(first)
        for line in others:
            self._end_line(empty=True)
            self._line.append(line)
