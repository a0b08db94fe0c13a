"""Character sets by the names that senders give them.

A closed list: Python knows codecs that are no character sets (`rot13`, `zip`), and some in which ASCII means something
else (`utf-7`, `unicode_escape`). Shift_JIS, GB2312 and ISO-8859-1 are read as the larger sets that senders mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODECS = {
    **{name: name for name in "utf-8 us-ascii big5 euc-jp euc-kr gb18030 iso-2022-jp koi8-r koi8-u".split()},
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji", "cp932"), "cp932"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("iso-8859-1", "latin1"), "cp1252"),
    **dict.fromkeys(("ascii", "utf8"), "utf-8"),
    "windows-949": "cp949",
    "ks_c_5601-1987": "cp949",
    "x-euc-jp": "euc-jp",
    "big5-hkscs": "big5hkscs",
}
# Fields in which a form says its own: the browsers' (HTML) and PayPal's.
_FIELDS = (b"_charset_", b"charset")


def codec(name: str | None) -> str | None:
    """Python's codec for the name; None for one that is not known."""
    return _CODECS.get(name.strip().lower()) if name else None


def named_by_form(pairs: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The character set that a form's own field names, as it writes it; None where none is known."""
    found = dict(pairs)
    names = (found[field].decode("latin-1") for field in _FIELDS if field in found)
    return next((name for name in names if codec(name)), None)


def named_by_type(content_type: str | None) -> str | None:
    """The character set that a Content-Type names, as it writes it; None where none is known."""
    found = re.search(r";\s*charset\s*=\s*\"?([\w.:-]+)", content_type or "", re.ASCII | re.IGNORECASE)
    return found[1] if found and codec(found[1]) else None
