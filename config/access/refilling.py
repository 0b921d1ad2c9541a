"""Putting values back into a form of a page, as if somebody had typed them there again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from django.utils.html import escape

Attributes = dict[str, str | None]

# What the page says by itself, or nobody else is to type: it stays as the page has it.
_NOT_TYPED = {"hidden", "password", "file", "submit", "button", "image", "reset"}
_TICKED = {"checkbox", "radio"}
_FIELDS = {"input", "textarea", "option"}


@dataclass(slots=True)
class _Element:
    """A field or an option of one; `begin` and `end` are of its first tag, `last` of its text."""

    tag: str
    attributes: Attributes
    begin: int
    end: int
    name: str
    last: int = -1


@dataclass(slots=True)
class _Form:
    attributes: Attributes
    elements: list[_Element] = field(default_factory=list)


class _Reader(HTMLParser):
    """Reads the forms of a page, with those of their fields that stand elsewhere on it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.forms: list[_Form] = []
        self.main = -1  # where the main part begins
        self._inside: _Form | None = None
        self._select = ""
        self._open: _Element | None = None
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(page)

    def _place(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes, begin = dict(attrs), self._place()
        end = begin + len(self.get_starttag_text() or "")
        if tag == "main" and self.main < 0:
            self.main = end
        elif tag == "form":
            self._inside = _Form(attributes)
            self.forms.append(self._inside)
        elif tag == "select":
            self._select = attributes.get("name") or ""
        elif tag in _FIELDS and (form := self._form_of(attributes)):
            name = self._select if tag == "option" else attributes.get("name") or ""
            self._open = _Element(tag, attributes, begin, end, name)
            form.elements.append(self._open)

    def _form_of(self, attributes: Attributes) -> _Form | None:
        if "form" not in attributes:
            return self._inside
        named = [one for one in self.forms if one.attributes.get("id") == attributes["form"]]
        return named[0] if named else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None
        elif self._open and tag == self._open.tag:
            self._open.last = self._place()
            self._open = None


def refilled(page: str, here: str, action: str, values: Mapping[str, list[str]], note: str) -> str:
    """The page, at the address `here`, with these values in the form that is sent to `action`.

    The note stands above all else. Empty where the page has no such form.
    """
    reader = _Reader(page)
    forms = (one for one in reader.forms if _is_sent_to(one, here, action))
    form = next(forms, None)
    if form is None or reader.main < 0:
        return ""
    left = {name: list(texts) for name, texts in values.items()}
    edits = [(reader.main, reader.main, note)]
    for element in form.elements:
        edits += _edits(page, element, left)
    for begin, end, text in sorted(edits, reverse=True):
        page = page[:begin] + text + page[end:]
    return page


def _is_sent_to(form: _Form, here: str, action: str) -> bool:
    posted = (form.attributes.get("method") or "").lower() == "post"
    return posted and (urlsplit(form.attributes.get("action") or here).path or here) == action


def _edits(
    page: str, element: _Element, left: dict[str, list[str]]
) -> Iterator[tuple[int, int, str]]:
    """What to write instead in the page; the values of texts are used up, one after the other."""
    kind = (element.attributes.get("type") or "text").lower()
    tag, attributes, texts = element.tag, dict(element.attributes), left.get(element.name, [])
    if tag == "option" and texts:
        shown = unescape(page[element.end : element.last]).strip()
        yield (
            element.begin,
            element.end,
            _with(tag, attributes, "selected", (attributes.get("value") or shown) in texts),
        )
    elif tag == "textarea" and texts:
        yield element.end, element.last, escape(texts.pop(0))
    elif tag == "input" and kind in _TICKED:
        ticked = (attributes.get("value") or "on") in texts
        yield element.begin, element.end, _with(tag, attributes, "checked", ticked)
    elif tag == "input" and kind not in _NOT_TYPED and texts:
        attributes["value"] = texts.pop(0)
        yield element.begin, element.end, _spelled(tag, attributes)


def _with(tag: str, attributes: Attributes, mark: str, marked: bool) -> str:
    attributes.pop(mark, None)
    return _spelled(tag, {**attributes, **({mark: None} if marked else {})})


def _spelled(tag: str, attributes: Attributes) -> str:
    words = [
        name if text is None else f'{name}="{escape(text)}"' for name, text in attributes.items()
    ]
    return f"<{' '.join([tag, *words])}>"
