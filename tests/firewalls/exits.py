"""Every way out of the applier and every sentence it has, read from the script itself.

A copy of the script notes which ways it took. A way out is a `return`, `exit`, `break`, `finish` or
`refuse`. In the copy `return 1` reads `return$(took 17) 1`: the word of a command is looked up
after it is expanded, so neither which commands belong together nor the status changes.
"""

import re
from typing import NamedTuple

_START = r"(?:(?<=\n)|(?<=[;&|({)!])|(?<=\bthen)|(?<=\bdo)|(?<=\belse)|(?<=\bif))\s*"
_WAY = re.compile(_START + r"(?P<word>return|exit|break|finish|refuse)(?=[\s;)]|$)")
_WORDS = re.compile(r"(?<![\w$./-])(?:return|exit|break|finish|refuse)(?![\w()./=-])")
_SPEAKING = re.compile(
    _START + r"(?:(?:echo|missing|refuse)|finish \w+ [\w-]+|failed [\w-]+) (?=\")"
)
_FUNCTION = re.compile(r"(?<=\n)(\w+)\(\) ")
TRACE = """
took() { taken=$?; echo "$1" >>"$APPLIER_TRACE"; return $taken; }
"""


class Way(NamedTuple):
    """A way out: where its word stands in the script, and what a person needs to find it."""

    start: int
    end: int
    function: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.function}: {self.text}"


class Literal(NamedTuple):
    """A quoted text: where it stands, and its stretches between what is filled in."""

    start: int
    end: int
    pieces: list[str]

    def heard_in(self, text: str) -> bool:
        at = 0
        for piece in self.pieces:
            if (at := text.find(piece, at)) < 0:
                return False
            at += len(piece)
        return True

    def __str__(self) -> str:
        return "…".join(self.pieces)


class Script:
    """A shell script, taken apart as far as telling commands from quoted text and comments.

    `bare` is the script, as long as it was, in which every quoted text is quote marks and
    underscores, and every comment blanks.
    What `$(…)` runs is no quoted text, wherever it stands.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.literals: list[Literal] = []
        self._out: list[str] = []
        self._at = 0
        self._commands("")
        self.bare = "".join(self._out)
        assert len(self.bare) == len(text)

    def _copy(self, many: int = 1) -> None:
        self._out.append(self.text[self._at : self._at + many])
        self._at += many

    def _blot(self, many: int = 1) -> str:
        """Leave out what is quoted, but no end of a line; gives what was there."""
        there = self.text[self._at : self._at + many]
        self._out.append(re.sub(r"[^\n]", "_", there))
        self._at += many
        return there

    def _commands(self, end: str) -> None:
        """Up to the bracket that ends them."""
        depth = 0
        began = len("".join(self._out))
        while self._at < len(self.text):
            here = self.text[self._at]
            if here == ")" and end and depth == 0 and not self._in_case(began):
                return
            depth += {"(": 1, ")": -1 if depth else 0}.get(here, 0)
            if here == "#" and (self._at == 0 or self.text[self._at - 1] in " \t\n;&|("):
                stop = self.text.index("\n", self._at)
                self._out.append(" " * (stop - self._at))
                self._at = stop
            elif not self._quoted():
                self._copy()
        assert not end, f"no {end} to what begins at line {self.line(began)}"

    def _in_case(self, began: int) -> bool:
        """Whether a bracket may end a pattern of `case`, in what began there."""
        words = re.findall(r"\b(?:case|esac)\b", "".join(self._out)[began:])
        return words.count("case") > words.count("esac")

    def _quoted(self) -> bool:
        """Take what is quoted or filled in here, if anything is."""
        here = self.text[self._at]
        if here == "\\":
            self._blot(2)
        elif here == "'":
            self._single()
        elif here == '"':
            self._double()
        elif here == "$":
            self._filled()
        else:
            return False
        return True

    def _single(self) -> None:
        start = self._at
        self._out.append('"')
        self._at += 1
        said = self._blot(self.text.index("'", self._at) - self._at)
        self._out.append('"')
        self._at += 1
        self.literals.append(Literal(start, self._at, [said]))

    def _double(self) -> None:
        start, pieces = self._at, [""]
        self._copy()
        while (here := self.text[self._at]) != '"':
            if here == "$":
                self._filled()
                pieces.append("")
            else:
                pieces[-1] += self._blot(2)[1:] if here == "\\" else self._blot()
        self._copy()
        self.literals.append(Literal(start, self._at, pieces))

    def _filled(self) -> None:
        """A variable, arithmetic, or what a command says."""
        if self.text.startswith("$((", self._at):
            self._blot(self.text.index("))", self._at) + 2 - self._at)
        elif self.text.startswith("$(", self._at):
            self._blot()
            self._copy()
            self._commands(")")
            self._copy()
        elif self.text.startswith("${", self._at):
            self._blot(2)
            while self.text[self._at] != "}":
                if not self._quoted():
                    self._blot()
            self._blot()
        else:
            variable = re.compile(r"\$(?:\w+|.)").match(self.text, self._at)
            assert variable
            self._blot(len(variable[0]))

    def line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1

    def ways(self) -> list[Way]:
        """The ways out, in the order in which they stand."""
        found = [(match.start("word"), match.end("word")) for match in _WAY.finditer(self.bare)]
        strangers = {match.start() for match in _WORDS.finditer(self.bare)} - {
            start for start, _ in found
        }
        assert not strangers, f"not understood: lines {sorted(map(self.line, strangers))}"
        return [
            Way(start, end, self._function(start), self.line(start), self._command(start))
            for start, end in found
        ]

    def _function(self, at: int) -> str:
        names = [match[1] for match in _FUNCTION.finditer(self.bare[:at])]
        outside = (
            re.search(
                r"\n}\n(?:.*\n)*?(?=if |case )", self.bare[:at][self.bare.rfind("\n}\n", 0, at) :]
            )
            if names
            else None
        )
        return "the words" if outside or not names else names[-1]

    def _command(self, at: int) -> str:
        line_end = self.bare.index("\n", at)
        stop = re.search(r";|\)|$", self.bare[at:line_end])
        assert stop
        return self.text[at : at + stop.start()]

    def sentences(self) -> list[Literal]:
        """What it says to people: what `echo` is given, and whatever reads like a sentence."""
        spoken = {match.end() for match in _SPEAKING.finditer(self.bare)}
        return [
            said
            for said in self.literals
            if len(re.findall("[A-Za-z]{2,}", str(said))) > 1
            and (said.start in spoken or _reads(said))
        ]

    def traced(self) -> str:
        """The copy that notes in $APPLIER_TRACE the number of every way out that it takes."""
        pieces, last = [], 0
        for number, way in enumerate(self.ways()):
            pieces += [self.text[last : way.end], f"$(took {number})"]
            last = way.end
        first, _, rest = ("".join(pieces) + self.text[last:]).partition("\n")
        return first + TRACE + rest


def _reads(said: Literal) -> bool:
    return bool(re.fullmatch(r"(?:[A-Z]|…).*[.?]", str(said), re.DOTALL))
