"""Prints the examples in the manual page of a tool, each behind a line `#### NUMBER HEADING`.

    examples.py TOOL

An example is a block of code in the section EXAMPLES. The text is the installed package's; none of it is kept here.
What a page shows of a command's output is left out: a line that begins with no word that a shell could run.
"""

import gzip
import re
import shutil
import sys

ESCAPES = {
    r"\[dq]": '"', r"\[aq]": "'", r"\[rs]": "\\", r"\[ti]": "~", r"\[ha]": "^", r"\[ga]": "`", r"\[bu]": "*",
    r"\[cq]": "'", r"\[oq]": "'", r"\[lq]": '"', r"\[rq]": '"', r"\[at]": "@", r"\[en]": "-", r"\[em]": "--",
    r"\-": "-", r"\&": "", r"\ ": " ", r"\e": "\\",
}  # fmt: skip


def plain(line):
    line = re.sub(r"\\f\[[A-Z]*\]|\\f[A-Z]", "", line)
    return re.sub(r"\\\[[a-z]{2}\]|\\.", lambda found: ESCAPES.get(found.group(), found.group()), line)


def runs(line):
    """Whether a shell could run the line: a comment, an assignment, a group, or a program."""
    word = line.split()[0] if line.split() else "#"
    return re.match(r"#|\{|[A-Za-z_]+=", word) or shutil.which(word) or word == "echo"


def commands(lines):
    continued = False
    for line in lines:
        line = line.removeprefix("$ ")
        # (A prompt of root looks like a comment, and is one then.)
        if continued or runs(line):
            continued = line.endswith("\\")
            yield line


def blocks(tool):
    text = gzip.open(f"/usr/share/man/man1/{tool}.1.gz", "rt", errors="replace").read()
    section, heading, code = "", "", None
    for line in text.split("\n"):
        if line.startswith(".SH "):
            section, heading = line[4:].strip('" ').upper(), ""
        elif line.startswith(".SS "):
            heading = plain(line[4:].strip('" '))
        elif not section.startswith("EXAMPLE"):
            continue
        elif line.startswith(".nf"):
            code = []
        elif line.startswith(".fi"):
            yield heading, commands(code)
            code = None
        elif code is not None and not re.fullmatch(r"\\f\[[A-Z]*\]", line):
            code.append(plain(line))


for number, (heading, lines) in enumerate(blocks(sys.argv[1]), 1):
    print(f"#### {number} {heading}")
    print("\n".join(lines))
