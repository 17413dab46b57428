"""``python -m proxyapp doctor``: say what is wrong and what to do about it."""

import os
from pathlib import Path

from proxyapp.admin.doctor import examine
from proxyapp.app import build_gateway
from proxyapp.backends.base import Finding
from proxyapp.cli.drawing import draw_rows
from proxyapp.cli.drawing import draw_table
from proxyapp.cli.drawing import Pen
from proxyapp.cli.terminal import Terminal

_MARKS = {True: "ok", False: "FAULT"}


def run(terminal: Terminal) -> int:
    """Show every finding; give 1 if there is a fault."""
    findings = examine(os.environ, Path.cwd(), lambda s: build_gateway(s).backends)
    terminal.say(*report(findings, terminal.pen))
    return 0 if all(finding.ok for finding in findings) else 1


def report(findings: list[Finding], pen: Pen) -> list[str]:
    """Write one line a finding, a fault's remedy below it, and the sum."""
    rows = draw_table([(_MARKS[f.ok], f.subject, f.message) for f in findings])
    lines: list[str] = []
    for finding, row in zip(findings, rows, strict=True):
        lines.append(row)
        if not finding.ok:
            lines += draw_rows([(f"     {pen.arrow}", finding.remedy)], indent=8)
    faults = sum(not finding.ok for finding in findings)
    counted = "1 fault" if faults == 1 else f"{faults} faults"
    return [*lines, "", counted if faults else "No faults found."]
