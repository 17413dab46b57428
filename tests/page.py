"""Sections of the pages in docs that programs write."""

import re

from tests.servers import ROOT


def write_section(page: str, name: str, text: str) -> None:
    """Put text between a page's ``<!-- name -->`` and ``<!-- /name -->``."""
    path = ROOT / "docs" / f"{page}.md"
    before = path.read_text("utf-8")
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    after, count = mark.subn(lambda m: f"{m[1]}{text.strip()}\n{m[2]}", before)
    if count != 1:
        raise ValueError(f"docs/{page}.md has {count} sections {name}")
    path.write_text(after, "utf-8")


def section(page: str, name: str) -> str:
    """Give what stands between the marks."""
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]
