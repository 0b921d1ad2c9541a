"""The colours of a picture that leaves the product: the stylesheet's own, by day."""

import re

_BEGIN, _END = "/* pictures */", "/* end of pictures */"
_TOKEN = re.compile(r"--([\w-]+):\s*((?:[^;()]|\([^()]*\))+);")
_BY_DAY = re.compile(r"light-dark\(([^,]+),[^)]*\)")
_USED = re.compile(r"var\(--([\w-]+)\)")


def standalone(stylesheet: str) -> str:
    """The part about pictures with every token written out, for programs that know no tokens."""
    tokens = {name: _BY_DAY.sub(r"\1", value).strip() for name, value in _TOKEN.findall(stylesheet)}
    part = stylesheet.partition(_BEGIN)[2].partition(_END)[0]
    return _USED.sub(lambda used: tokens[used[1]], part)
