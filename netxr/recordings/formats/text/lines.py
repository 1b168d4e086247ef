"""Lines of text files, and their cells: what separates them, and what is a remark."""

import csv
import gzip
import re
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import IO, Final

from netxr.errors import UnreadableFile
from netxr.recordings.formats.text.cells import ERRORS, is_number

DELIMITERS: Final = "\t;,"
"""What separates cells, first choice first; blanks do where the first line has none of them."""

SEPARATED: Final = re.compile(r"[\t;,]\s*$")

SEPARATOR_SAID: Final = re.compile(r'"?sep=.\s*"?\s*$', re.IGNORECASE)
"""A line by which some programs tell a spreadsheet what separates the cells."""

UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
GZIP: Final = b"\x1f\x8b"

Rows = Generator[tuple[int, list[str]], None, None]
"""Number of a line, from 1, and its cells."""


def opened(path: Path) -> IO[str]:
    """Open a text file, which may be compressed by gzip, or in UTF-16 as a mark at its beginning says."""
    with path.open("rb") as raw:
        begin = raw.read(2)
    code = "utf-16" if begin in UTF16 else "utf-8-sig"
    return gzip.open(path, "rt", encoding=code) if begin == GZIP else path.open(encoding=code)


def lines(path: Path) -> Generator[tuple[int, str], None, None]:
    """Yield the lines of a text file with their numbers."""
    try:
        with opened(path) as file:
            yield from enumerate(file, start=1)
    except UnicodeError:
        raise _no_text(path) from None
    except (EOFError, OSError) as error:
        raise UnreadableFile(path, f"it cannot be read ({error})", fix="Is it damaged? Copy it again.") from error


def delimiter_of(path: Path) -> str | None:
    """Return what separates the cells of the first line that has some; within quotes it belongs to a label."""
    with closing(lines(path)) as found:
        first = next((text for _, line in found if (text := without_remark(line)).strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return next((mark for mark in DELIMITERS if mark in unquoted), None)


def rows_of(path: Path, delimiter: str | None, *, skip: int = 0) -> Rows:
    """Yield the cells of each line that has some, without quotes and blanks around them, behind the first `skip`.

    A blank line between rows of one cell is a row whose cell is empty.
    """
    blank: list[int] = []
    begun = False
    for number, line in lines(path):
        if number <= skip:
            continue
        text = without_remark(line)
        # A line of tabs alone is a row of empty cells, not a blank line.
        if not text.strip() and not (delimiter == "\t" and "\t" in text):
            blank += [] if line.strip() else [number]
            continue
        cells = cells_of(text, delimiter)
        if begun and len(cells) == 1:
            yield from ((place, [""]) for place in blank)
        blank, begun = [], True
        yield number, cells


def n_cells_of(path: Path, delimiter: str | None, *, skip: int) -> Generator[tuple[int, int], None, None]:
    """Yield how many cells each line has, as `rows_of` yields them, with its number."""
    for number, line in lines(path) if delimiter is not None else ():
        if number <= skip:
            continue
        text = without_remark(line)
        if text.strip() or (delimiter == "\t" and "\t" in text):
            yield number, len(cells_of(text, delimiter)) if '"' in text else text.count(str(delimiter)) + 1
    if delimiter is None:
        yield from ((number, len(cells)) for number, cells in rows_of(path, delimiter, skip=skip))


def cells_of(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of a line, without quotes and blanks around them."""
    if '"' not in line:
        return line.split() if delimiter is None else [cell.strip() for cell in line.split(delimiter)]
    found = next(csv.reader([line.strip(" ")], delimiter=delimiter or " ", skipinitialspace=True))
    cells = [cell.strip() for cell in found]
    return cells if delimiter else [cell for cell in cells if cell]


def without_remark(line: str) -> str:
    """Return a line without a remark: all of it where it begins with #, else what follows a # behind numbers.

    In a label, a # is part of it, and some errors of spreadsheets begin with it.

    Examples
    --------
    >>> without_remark("1 2 # by hand"), without_remark("ROI #1,ROI #2"), without_remark("1,#N/A,3")
    ('1 2 ', 'ROI #1,ROI #2', '1,#N/A,3')
    """
    if SEPARATOR_SAID.match(line):
        return ""
    before, mark, _ = line.partition("#")
    if not mark or line[len(before) :].startswith(ERRORS):
        return line
    if not before.strip():
        return before if "\t" not in before else ""
    if SEPARATED.search(before) or not all(map(is_number, re.split(r"[\t;,\s]+", before.strip()))):
        return line
    return before


def _no_text(path: Path) -> UnreadableFile:
    """Return the error that says where a file is no text."""
    fix = "Save it as text in UTF-8, if it is a table."
    content = path.read_bytes()
    try:
        content.decode()
    except UnicodeDecodeError as error:
        good = content[: error.start].decode()
        line = len(good.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        return UnreadableFile(path, f"byte {error.start}, in line {line}, is no text in UTF-8", fix=fix)
    return UnreadableFile(path, "what is in it is no text in UTF-8", fix=fix)
