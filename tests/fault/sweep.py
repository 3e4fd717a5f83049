"""Positions to try: (process, call) of a counted run, all of them or a seeded sample that has every
(process, system call) pair."""

import errno
import os
import random
import unittest
from collections import defaultdict

import lab as world
import syscalls

SEED = int(os.environ.get("BULKHEAD_FAULT_SEED", "1"))
# Without memory the C++ runtime ends the program; that is a crash like any, after which only `delete`
# is asked to clean up.
MEMORY_CALLS = {"brk", "mmap", "munmap", "mprotect", "mremap", "madvise"}
# Calls that cannot fail as they are used.
SURE_CALLS = {"rt_sigaction", "rt_sigprocmask", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid",
              "umask", "set_tid_address", "set_robust_list", "rseq", "arch_prctl", "setfsuid", "setfsgid",
              "getppid", "clock_gettime"}
RUNTIME_START = 15  # calls that libc makes before main()
MAIN_FAULTS = (errno.ENOMEM, "kill")  # in full mode tried everywhere
OTHER_ERRORS = (errno.EACCES, errno.ENOSPC, errno.EINTR, errno.ENOSYS)  # in full mode tried by sample


def choose(calls, per_pair, fault):
    """In full mode every call; else up to `per_pair` of each (process, system call), spread by chance."""
    if world.FULL and fault in MAIN_FAULTS:
        return calls
    pairs = defaultdict(list)
    for process, call, number in calls:
        pairs[(process, number)].append((process, call, number))
    chance, chosen = random.Random(SEED), []
    for group in pairs.values():
        chosen += chance.sample(group, min(per_pair, len(group)))
    return sorted(chosen)


class Sweep(unittest.TestCase):
    """One command with a fault at each of its positions."""

    @classmethod
    def setUpClass(cls):
        reason = world.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.lab = world.lab()
        # Once without a fault: mount points are made in the layers, the filter is cached.
        cls.lab.must("run", "--bundle", cls.lab.bundle, cls.lab.id)
        cls.lab.expect_nothing_more()

    def setUp(self):
        self.tried = self.failed = 0

    def sweep(self, calls, faults, case, per_pair=2):
        """`case(fault)` for every chosen position and each of `faults` (errno or "kill")."""
        for fault in faults:
            for process, call, number in choose(calls, per_pair, fault):
                if fault != "kill" and syscalls.name(number) in SURE_CALLS:
                    continue
                label = fault if fault == "kill" else errno.errorcode[fault]
                with self.subTest(f"process {process} call {call} {syscalls.name(number)} {label}"):
                    self.tried += 1
                    try:
                        case((process, call, fault))
                        self.assertEqual(self.lab.left(), [], "left after delete --force")
                    finally:
                        self.rescue()
        self.assertGreater(self.tried, 10)

    def rescue(self):
        """Whatever a failed case left must not fail the next one."""
        if self.lab.left(0):
            self.lab.run("delete", "--force", self.lab.id)
            self.lab.left(1)
            self.lab.expect_nothing_more()

    def is_crash(self, result):
        """Whether the runtime may have ended without its error path."""
        process, call, number = result.injected or (0, 0, -1)
        return process == 0 and (syscalls.name(number) in MEMORY_CALLS or call <= RUNTIME_START)

    @staticmethod
    def is_init(result):
        """Whether the fault was one of the init, which has only its exit code and stderr after `start`."""
        return bool(result.injected) and result.injected[0] > 0

    def expect_nothing_by_itself(self, result):
        """A failed command cleaned up, unless it crashed or says that it could not."""
        if not self.is_crash(result) and "delete --force cleans up" not in result.err:
            self.assertEqual(self.lab.left(1), [], f"left by the command itself; {result.err}")

    def expect_clear_error(self, result):
        """A failure: exit code 1 and a message that says what failed."""
        if self.is_crash(result):
            return
        self.failed += 1
        late = self.is_init(result) and "bulkhead: " in result.err
        self.assertIn(result.code, (1, 255) if late else (1,), f"signal {result.signal}: {result.err}")
        self.assertRegex(result.err, r"bulkhead: .{10,}" if late else r'level=error msg=".{10,}"')
        self.assertNotRegex(result.err, r"Success|Unknown error|errno 0", "the reason is lost")
