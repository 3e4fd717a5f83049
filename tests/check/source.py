"""What the house rules look at: the C++ sources of src/, as files and as text without comments."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def files(*suffixes):
    return sorted(path for path in SRC.rglob("*") if path.suffix in suffixes)


def name(path):
    return str(path.relative_to(ROOT))


def code(text):
    """The text with comments removed and literals emptied; lines keep their numbers."""
    def replace(match):
        found = match.group(0)
        return "\n" * found.count("\n") if found.startswith("/") else found[0] * 2
    return BLANK.sub(replace, text)


def statement(text, start):
    """From `start` to the end of the statement, for looking at a call's arguments."""
    end = re.compile(r"[;{]").search(text, start)
    return text[start:end.start() if end else len(text)]


def line_of(text, position):
    return text.count("\n", 0, position) + 1
