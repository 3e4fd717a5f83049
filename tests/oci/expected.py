"""The committed list of programs that may not pass, and how a run is held against it.

One line per program:  name | kind | when | reason
kind  spec   the program asks for what SPEC.md refuses (R3: no host namespaces)
      suite  the program contradicts the OCI specification or itself
      host   this machine lacks what the program needs; `when` says what, so that elsewhere it must pass
when  empty (always), or no:PATH or has:PATH (while PATH is absent or there), or no-cap:NUMBER (while this
      process lacks the capability), or v1 / v2 (the cgroup layout), or race (the program's own timing decides:
      both are accepted)
"""

import os
import re
from dataclasses import dataclass

KINDS = ("spec", "suite", "host")


@dataclass(frozen=True)
class Entry:
    name: str
    kind: str
    when: str
    reason: str


def load(path):
    entries = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 4 or fields[1] not in KINDS or not fields[3]:
                raise ValueError(f"{path}:{number}: want 'name | {'/'.join(KINDS)} | when | reason'")
            if fields[0] in entries:
                raise ValueError(f"{path}:{number}: {fields[0]} is listed twice")
            entries[fields[0]] = Entry(*fields)
    return entries


def has_capability(number):
    with open("/proc/self/status", encoding="utf-8") as file:
        effective = int(re.search(r"^CapEff:\s*(\w+)", file.read(), re.MULTILINE).group(1), 16)
    return bool(effective >> number & 1)


def applies(when):
    if when in ("", "race"):
        return True
    if when.startswith("no:"):
        return not os.path.exists(when[3:])
    if when.startswith("has:"):
        return os.path.exists(when[4:])
    if when.startswith("no-cap:"):
        return not has_capability(int(when[7:]))
    if when in ("v1", "v2"):
        return os.path.exists("/sys/fs/cgroup/cgroup.controllers") == (when == "v2")
    raise ValueError(f"unknown condition '{when}'")


def surprises(results, entries):
    """Lines for whatever is not as the list says; `results`: {name: verdict}, skips are no surprise."""
    lines = []
    for name, verdict in sorted(results.items()):
        entry = entries.get(name)
        listed = entry is not None and applies(entry.when)
        if verdict == "fail" and not listed:
            lines.append(f"{name} fails and is not on the list")
        elif verdict == "pass" and listed and entry.when != "race":
            lines.append(f"{name} passes and is on the list ({entry.kind}: {entry.reason}): take it off")
    lines += [f"{name} is on the list and no program of the suite" for name in sorted(entries) if name not in results]
    return lines
