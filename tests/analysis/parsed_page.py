"""Content of an HTML page, for assertions."""

from __future__ import annotations

from html.parser import HTMLParser


class ParsedPage(HTMLParser):
    """Text, loaded resources, links and tags of an HTML page."""

    VOID_TAGS = frozenset({"meta", "img", "link", "br"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.loads, self.links, self.tags, self.open_tags = [], [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open_tags += [tag] if tag not in self.VOID_TAGS else []
        self.loads += [value for name, value in attrs if name == "src" or (tag == "link" and name == "href")]
        self.links += [value for name, value in attrs if tag == "a" and name == "href"]

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.text += data
