"""What a report's page says, loads and links."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a page says, what it loads, where it links."""

    VOID = frozenset({"meta", "img", "link", "br"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text, self.loads, self.links, self.tags, self.open = "", [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open += [tag] if tag not in self.VOID else []
        self.loads += [value for name, value in attrs if name == "src" or (tag == "link" and name == "href")]
        self.links += [value for name, value in attrs if tag == "a" and name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
