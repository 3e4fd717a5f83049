"""Reads what a validation program printed (TAP 13) and decides: pass, fail or skip, and on which points.

The programs are lenient with themselves: some print a diagnostic instead of a point when they failed, some
end with status 0 and no output at all when the container never ran. Neither is taken for a pass here. Seven
(the hook programs) print no point at all when they pass, only the plan 1..0: that is a pass, with 0 points.
"""

import re
from dataclasses import dataclass, field

# They expect `create` to fail and say nothing when it does: here silence with status 0 is the pass.
SILENT_WHEN_PASSING = ("process_capabilities_fail", "process_rlimits_fail")
POINT = re.compile(r"^(?P<no>not )?ok\b\s*(?P<number>\d+)?\s*-?\s*(?P<text>[^#]*)(#\s*(?P<directive>\w+).*)?$")
PLAN = re.compile(r"^1\.\.(\d+)\b")


@dataclass
class Outcome:
    verdict: str                # pass, fail, skip
    points: int = 0             # TAP points seen
    failed: list = field(default_factory=list)  # texts of those that are "not ok"
    reason: str = ""            # for a fail without a failed point, and for a skip


def parse(stdout):
    """(points, failed, skipped, planned): a program may print several TAP streams, plans add up."""
    points, failed, skipped, planned = 0, [], [], None
    for line in stdout.splitlines():
        plan = PLAN.match(line)
        point = POINT.match(line)
        if plan:
            planned = (planned or 0) + int(plan.group(1))
        elif point:
            points += 1
            directive = (point.group("directive") or "").upper()
            text = point.group("text").strip() or f"point {points}"
            if directive == "SKIP":
                skipped.append(line.split("#", 1)[1].strip())
            elif point.group("no") and directive != "TODO":
                failed.append(text)
    return points, failed, skipped, planned


def last_line(text):
    """The last line that says more than that a command failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not re.fullmatch(r"exit status \d+|Refer to: .*", line)]
    return (telling or lines or [""])[-1]


def first_error(stdout):
    """The text of an `error:` diagnostic: all that some programs print on failure."""
    found = re.search(r"^\s+error:\s*(.+(?:\n\s{4,}.+)*)", stdout, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""


def judge(name, stdout, stderr, status, timed_out):
    points, failed, skipped, planned = parse(stdout)
    if timed_out:
        return Outcome("fail", points, failed, "timed out")
    if status != 0:
        return Outcome("fail", points, failed, f"exit {status}: {last_line(stderr) or last_line(stdout)}")
    if failed:
        return Outcome("fail", points, failed, first_error(stdout))
    if points == 0 and first_error(stdout):
        return Outcome("fail", 0, [], first_error(stdout))
    if points == 0 and planned is None and name not in SILENT_WHEN_PASSING:
        return Outcome("fail", 0, [], "printed no test point")
    if planned is not None and planned != points:
        return Outcome("fail", points, [], f"planned {planned} points, printed {points}")
    if points and len(skipped) == points:
        return Outcome("skip", points, [], skipped[0])
    return Outcome("pass", points)
