"""A page as a browser reads it: well nested, with its forms as they would be sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"input", "meta", "link", "br", "hr", "img"}


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    parts: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts if _shown(part))

    @property
    def words(self) -> str:
        """The text with runs of white space as one space."""
        return " ".join(self.text.split())

    def all(self, tag: str = "", **attributes: str) -> "list[Element]":
        """Every element below with that tag and those attributes (class_ and for_ for class and for)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for part in self.parts:
            if isinstance(part, Element) and _shown(part):
                if part.tag == (tag or part.tag) and wanted.items() <= part.attributes.items():
                    found.append(part)
                found += part.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} <{tag}> with {attributes}"
        return found[0]


def _shown(part: Element | str) -> bool:
    """What is in a template is no part of the page."""
    return isinstance(part, str) or part.tag != "template"


class Page(HTMLParser):
    """Follows two rules of HTML that are easily forgotten: CRLF is read as LF, and the first line end in a textarea is
    dropped."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html = html.replace("\r\n", "\n")
        self.root = self.here = Element("#root", {})
        self.feed(html)
        assert self.here is self.root, f"<{self.here.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.parts.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.parts.append(Element(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>: {self.here.text[:200]}"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        if self.here.tag == "textarea" and not self.here.parts:
            data = data.removeprefix("\n")
        self.here.parts.append(data)

    @property
    def words(self) -> str:
        return self.root.one("main").words

    @property
    def keys(self) -> dict[str, str]:
        """What each key is bound to in the page's own part, by its words."""
        found = [element for element in self.root.one("main").all() if "data-key" in element.attributes]
        keys = [element.attributes["data-key"] for element in found]
        assert len(set(keys)) == len(keys), f"a key is bound twice: {keys}"
        return dict(zip(keys, (element.words for element in found), strict=True))

    def all_with(self, attribute: str) -> list[Element]:
        return [element for element in self.root.all() if attribute in element.attributes]

    def form(self, action: str) -> dict[str, Any]:
        """What the first form with that action sends without any button; line ends as a browser sends them."""
        forms = self.root.all("form", action=action)
        assert forms, f"no form posts to {action}:\n{self.words}"
        form = forms[0]
        fields = [*form.all("input"), *form.all("textarea")]
        if name := form.attributes.get("id"):
            fields += [*self.root.all("input", form=name), *self.root.all("textarea", form=name)]
        sent: dict[str, Any] = {}
        for element in fields:
            if element.attributes.get("type") in ("radio", "checkbox") and "checked" not in element.attributes:
                continue
            value = element.text if element.tag == "textarea" else element.attributes.get("value", "")
            sent[element.attributes["name"]] = value.replace("\n", "\r\n")
        return sent
