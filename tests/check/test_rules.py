"""House rules of the sources. Every exception stands here with its reason; one that is no longer used
fails too, so that the list stays true."""

import re
import unittest

import source

MAX_LINES = 600
MAX_COLUMNS = 120

# Calls that need a reason to be made raw: {call: {file: why}}.
RAW = {
    "close": {
        "src/base/unique_fd.h": "the one owner",
        "src/sandbox/child_init.cc": "between clone and exec: no destructors run there",
        "src/sandbox/child_process.cc": "between clone and exec",
        "src/json/write.h": "Writer's own member",
    },
    "fork": {"src/sys/namespace.cc": "reads an id map inside a user namespace; single-threaded",
             "src/fetch/worker.cc": "a process per registry question; libcurl's threads need fork's handlers"},
    "popen": {"src/runtime/command_process.cc": "`ps` of the host, its arguments checked"},
    "vfork": {},
    "system": {},
    "daemon": {},
    "creat": {},
    "dup": {},
    "pipe": {},
    "getpwnam": {"src/fetch/confine.cc": "bulkhead-registry is dynamic: the user that it becomes, by name"},
    "getpwuid": {},
    "getgrnam": {},
    "strcat": {},
    "sprintf": {},
    "setenv": {},
}

# Calls that make an fd, and what must stand in the statement so that it is born close-on-exec.
BORN = {"open": "O_CLOEXEC", "openat": "O_CLOEXEC", "pipe2": "O_CLOEXEC", "socket": "SOCK_CLOEXEC",
        "socketpair": "SOCK_CLOEXEC", "accept4": "SOCK_CLOEXEC", "memfd_create": "MFD_CLOEXEC",
        "epoll_create1": "EPOLL_CLOEXEC", "inotify_init1": "IN_CLOEXEC", "eventfd": "EFD_CLOEXEC",
        "signalfd": "SFD_CLOEXEC", "timerfd_create": "TFD_CLOEXEC", "open_tree": "flags",
        "fsopen": "FSOPEN_CLOEXEC", "fsmount": "FSMOUNT_CLOEXEC"}
OPEN_ACROSS_EXEC = {
    ("src/runtime/main.cc", "open"): "takes the places of a closed stdin, stdout and stderr",
    ("src/sandbox/hooks.cc", "open"): "a hook's stdout; execve follows",
    ("src/json/write.h", "open"): "Writer's own member",
    ("src/idpool/table.cc", "openat"): "kFlags holds O_CLOEXEC",
}

FORBIDDEN = {
    r"#\s*include\s*<(iostream|ostream|istream|sstream|fstream|thread|future|mutex|regex|format|filesystem)>":
        "no streams, threads, regex or filesystem in the runtime (size, start-up)",
    r"\bstd::(thread|jthread|async|mutex|regex|cout|cerr)\b": "no threads, no streams",
    r"\bfmt::format\b": "cat() of base/strings.h",
    r"\busing\s+namespace\b": "names say where they come from",
    r"\bthrow\b": "no exceptions across our functions",
    r"\b(gets|tmpnam|mktemp|strtok|alloca)\s*\(": "dangerous C",
    r"\bconst_cast\b": "only where C demands it",
}
FORBIDDEN_EXCEPT = {
    ("src/sandbox/hooks.cc", r"\bconst_cast\b"): "execve's argv",
    ("src/seccomp/load.cc", r"\bconst_cast\b"): "sock_fprog has no const; the kernel only reads",
    ("src/http/channel.cc", r"\bconst_cast\b"): "iovec has no const; sendmsg only reads",
    ("src/sys/socket.cc", r"\bconst_cast\b"): "iovec has no const; sendmsg only reads",
}


def calls(text, name):
    """Calls of a free function `name`: not of a member, not a declaration of one of ours."""
    for match in re.finditer(rf"(?<![\w.:>])(?:::)?{name}\s*\(", text):
        before = text[:match.start()].rsplit("\n", 1)[-1]
        word = before.split()[-1] if before.split() else ""
        is_declaration = re.match(r"^[\w:<>,&*]+$", word) and word not in ("return", "else", "do", "=", "?", ":")
        if not is_declaration:
            yield match


class Rules(unittest.TestCase):
    def setUp(self):
        self.sources = {source.name(path): source.code(path.read_text()) for path in source.files(".h", ".cc")}

    def test_raw_calls_have_a_reason(self):
        wrong, used = [], set()
        for file, text in self.sources.items():
            for call, allowed in RAW.items():
                for match in calls(text, call):
                    used.add((file, call))
                    if file not in allowed:
                        wrong.append(f"{file}:{source.line_of(text, match.start())}: {call}()")
        self.assertEqual(wrong, [])
        stale = [f"{call}() in {file}" for call, files in RAW.items() for file in files if (file, call) not in used]
        self.assertEqual(stale, [], "these exceptions are not needed any more")

    def test_every_fd_is_born_close_on_exec(self):
        wrong, used = [], set()
        for file, text in self.sources.items():
            for call, flag in BORN.items():
                for match in calls(text, call):
                    if flag in source.statement(text, match.start()):
                        continue
                    used.add((file, call))
                    if (file, call) not in OPEN_ACROSS_EXEC:
                        wrong.append(f"{file}:{source.line_of(text, match.start())}: {call}() without {flag}")
        self.assertEqual(wrong, [])
        self.assertEqual(set(OPEN_ACROSS_EXEC) - used, set(), "these exceptions are not needed any more")

    def test_forbidden(self):
        wrong, used = [], set()
        for path in source.files(".h", ".cc"):
            file, text = source.name(path), source.code(path.read_text())
            for pattern, why in FORBIDDEN.items():
                for match in re.finditer(pattern, text):
                    used.add((file, pattern))
                    if (file, pattern) not in FORBIDDEN_EXCEPT:
                        wrong.append(f"{file}:{source.line_of(text, match.start())}: {match.group(0)}: {why}")
        self.assertEqual(wrong, [])
        self.assertEqual(set(FORBIDDEN_EXCEPT) - used, set(), "these exceptions are not needed any more")

    def test_headers_say_what_they_are_for(self):
        for path in source.files(".h"):
            with self.subTest(file=source.name(path)):
                text = path.read_text()
                head = text.split("#pragma once")[0]
                self.assertIn("#pragma once", text)
                self.assertRegex(head, r"^// \S", "a head comment says the responsibility")
                self.assertGreater(len(head.split()), 3, "what it is for")

    def test_files_stay_short(self):
        long = [f"{source.name(path)}: {lines} lines" for path in source.files(".h", ".cc")
                if (lines := path.read_text().count("\n")) > MAX_LINES]
        self.assertEqual(long, [])

    def test_lines_stay_short(self):
        long = [f"{source.name(path)}:{number}" for path in source.files(".h", ".cc")
                for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > MAX_COLUMNS]
        self.assertEqual(long, [])

    def test_namespaces_are_folders(self):
        for path in source.files(".h"):
            folder = path.relative_to(source.SRC).parts[0]
            expected = "bulkhead" if folder == "base" else f"bulkhead::{folder}"
            names = re.findall(r"^namespace ([\w:]+) \{", path.read_text(), re.M)
            with self.subTest(file=source.name(path)):
                self.assertTrue(any(name.startswith(expected) for name in names), f"namespace {expected}: {names}")

    def test_no_dangling_debts(self):
        debts = [f"{source.name(path)}:{number}: {line.strip()}" for path in source.files(".h", ".cc", ".txt")
                 for number, line in enumerate(path.read_text().splitlines(), 1)
                 if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)]
        self.assertEqual(debts, [])

    def test_sources_are_listed(self):
        """A .cc that no CMakeLists.txt names is dead."""
        for path in source.files(".cc"):
            folder = next(parent for parent in path.parents if (parent / "CMakeLists.txt").exists())
            listing = (folder / "CMakeLists.txt").read_text()
            with self.subTest(file=source.name(path)):
                self.assertRegex(listing, rf"\b{re.escape(path.name)}\b")

    def test_license(self):
        text = (source.ROOT / "LICENSE").read_text()
        self.assertGreater(len(text), 1000)
        self.assertRegex(text, "Apache License|MIT License|GNU|BSD")


if __name__ == "__main__":
    unittest.main()
