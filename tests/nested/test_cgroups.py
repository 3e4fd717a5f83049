"""Issue 3, 6: what the engine limits cannot be raised from inside; what is below can be used (v1)."""

from pathlib import Path
from unittest import skipUnless

from nested import Nested

LIMITS = (("memory", "memory.limit_in_bytes", "67108864", "-1"), ("cpu", "cpu.cfs_quota_us", "50000", "-1"),
          ("pids", "pids.max", "100", "max"), ("cpuset", "cpuset.cpus", "0", "0-1"))


@skipUnless(Path("/sys/fs/cgroup/memory").exists(), "cgroup v1 controllers are not mounted here; tests/vm has v2")
class Delegation(Nested):
    @classmethod
    def setUpClass(cls):
        cls.outer = cls.start("--privileged", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "100",
                              "--cpuset-cpus", "0")

    def test_limits_stay(self):
        for controller, file, value, more in LIMITS:
            path = f"/sys/fs/cgroup/{controller}/{file}"
            self.assertIn("Permission denied", self.sh(self.outer, f"echo {more} >{path}", check=False), path)
            self.assertIn("not permitted", self.sh(self.outer, f"chmod 666 {path}", check=False), path)
            self.assertEqual(self.sh(self.outer, f"cat {path}"), value)

    def test_below_them_there_is_no_more(self):
        self.sh(self.outer, "mkdir /sys/fs/cgroup/memory/inner /sys/fs/cgroup/cpu/inner")
        self.sh(self.outer, "echo 200000000 >/sys/fs/cgroup/memory/inner/memory.limit_in_bytes")
        stat = self.sh(self.outer, "grep hierarchical_memory_limit /sys/fs/cgroup/memory/inner/memory.stat")
        self.assertEqual(stat.split()[1], "67108864")
        self.assertIn("Invalid argument",
                      self.sh(self.outer, "echo 80000 >/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", check=False))
        self.sh(self.outer, "rmdir /sys/fs/cgroup/memory/inner /sys/fs/cgroup/cpu/inner")

    def test_no_hierarchy_can_be_mounted_that_shows_more(self):
        text = self.sh(self.outer, "mkdir /tmp/c; mount -t cgroup -o memory c /tmp/c && ls /tmp/c && "
                                   "cat /tmp/c/memory.limit_in_bytes", check=False)
        if "denied" not in text:  # the cgroup namespace's own root again
            self.assertEqual(text.split()[-1], "67108864")
            self.assertIn("Permission denied", self.sh(self.outer, "echo -1 >/tmp/c/memory.limit_in_bytes", check=False))

    def test_release_agents_are_out_of_reach(self):
        self.assertEqual(self.sh(self.outer, "find /sys/fs/cgroup -name release_agent | wc -l"), "0")
