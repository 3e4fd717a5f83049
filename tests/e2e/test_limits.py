"""R10: resource limits, as the kernel enforces them; update, stats, ulimits, shared memory."""

import time
import unittest
from pathlib import Path

from support import IMAGE, Case, start_engine, stop_engine, wait_for

setUpModule, tearDownModule = start_engine, stop_engine

CGROUP_V2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
MIB = 1 << 20


def cgroup_file(pid: str, controller: str, v1: str, v2: str) -> str:
    """The container's value of a limit, read on the host."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if CGROUP_V2 and not controllers:
            return (Path("/sys/fs/cgroup" + path) / v2).read_text().strip()
        if controller in controllers.split(","):
            return (Path("/sys/fs/cgroup") / controller / path.lstrip("/") / v1).read_text().strip()
    raise AssertionError(f"no {controller} controller for process {pid}")


class Limits(Case):
    def limit_of(self, container, controller, v1, v2):
        return cgroup_file(self.inspect(container, "{{.State.Pid}}"), controller, v1, v2)

    def test_memory_is_enforced_and_the_death_reported(self):
        script = "head -c 200m /dev/zero | tail"  # tail keeps the last line: all of it
        container = self.start("--memory 40m --memory-swap 40m", "sh", "-c", script + "; echo survived")
        self.docker("wait", container)
        self.assertEqual(self.limit_free(container), "true")

    def limit_free(self, container):
        return self.inspect(container, "{{.State.OOMKilled}}")

    def test_memory_in_the_cgroup_and_updated(self):
        container = self.start("--memory 64m")
        read = lambda: self.limit_of(container, "memory", "memory.limit_in_bytes", "memory.max")  # noqa: E731
        self.assertEqual(read(), str(64 * MIB))
        self.docker("update", "--memory", "96m", "--memory-swap", "192m", container)
        self.assertEqual(read(), str(96 * MIB))

    def test_pids(self):
        out = self.run_fails("--pids-limit 10", "sh", "-c",
                             "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; wait; echo all started; exit 1")
        self.assertRegex(out, "can't fork|Resource temporarily unavailable")
        container = self.start("--pids-limit 10")
        self.assertEqual(self.limit_of(container, "pids", "pids.max", "pids.max"), "10")

    def test_cpus(self):
        container = self.start("--cpus 0.25", "sh", "-c", "while :; do :; done")
        expected = ("25000", "25000 100000")[CGROUP_V2]
        self.assertEqual(self.limit_of(container, "cpu", "cpu.cfs_quota_us", "cpu.max"), expected)
        pid = self.inspect(container, "{{.State.Pid}}")
        before, start = self.cpu_seconds(pid), time.monotonic()
        time.sleep(4)
        used = (self.cpu_seconds(pid) - before) / (time.monotonic() - start)
        self.assertLess(used, 0.4)
        self.docker("update", "--cpus", "0.5", container)
        self.assertEqual(self.limit_of(container, "cpu", "cpu.cfs_quota_us", "cpu.max"),
                         ("50000", "50000 100000")[CGROUP_V2])

    @staticmethod
    def cpu_seconds(pid: str) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def test_cpuset(self):
        self.assertEqual(self.run_out("--cpuset-cpus 0", "grep", "Cpus_allowed_list", "/proc/self/status").split()[1], "0")
        self.assertEqual(self.run_out("--cpuset-cpus 0", "nproc"), "1")

    def test_cpu_shares(self):
        container = self.start("--cpu-shares 512")
        value = self.limit_of(container, "cpu", "cpu.shares", "cpu.weight")
        self.assertEqual(value, "20" if CGROUP_V2 else "512")

    def test_limits_are_the_containers_own_after_restart(self):
        container = self.start("--memory 64m --pids-limit 20")
        self.docker("restart", "-t", "0", container)
        self.assertEqual(self.limit_of(container, "memory", "memory.limit_in_bytes", "memory.max"), str(64 * MIB))
        self.assertEqual(self.limit_of(container, "pids", "pids.max", "pids.max"), "20")

    def test_exec_is_in_the_containers_cgroup(self):
        container = self.start("--pids-limit 5")
        self.assertRegex(self.docker("exec", container, "sh", "-c", "for i in 1 2 3 4 5 6; do sleep 3 & done; wait",
                                     check=False).stderr, "can't fork|Resource temporarily unavailable")

    def test_oom_score(self):
        self.assertEqual(self.run_out("--oom-score-adj 500", "cat", "/proc/self/oom_score_adj"), "500")

    def test_ulimits(self):
        self.assertEqual(self.run_out("--ulimit nofile=123:456", "sh", "-c", "ulimit -Sn; ulimit -Hn"), "123\n456")
        self.assertEqual(self.run_out("--ulimit core=0 --user 1000", "sh", "-c", "ulimit -c"), "0")
        container = self.start("--ulimit nofile=200:200")
        self.assertEqual(self.sh(container, "ulimit -n"), "200")

    def test_shm_size(self):
        self.assertEqual(self.run_out("--shm-size 17m", "sh", "-c",
                                      "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2; "
                                      "echo x > /dev/shm/file; stat -c %a:%u /dev/shm"), f"{17 * 1024}\n1777:0")
        self.assertEqual(self.run_out("--shm-size 17m --user 1000", "sh", "-c", "echo mine > /dev/shm/f; cat /dev/shm/f"),
                         "mine")

    def test_stats(self):
        container = self.start("--memory 64m", "sh", "-c", "while :; do :; done")
        wait_for(lambda: float(self.docker("stats", "--no-stream", "--format", "{{.CPUPerc}}", container)
                               .stdout.strip().rstrip("%")) > 5, "processor use in stats")
        self.assertIn("64MiB", self.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).stdout)


class Many(Case):
    def test_thirty_at_once(self):
        """R1, R12: all run, with ranges of their own, and go without a trace."""
        import subprocess
        count = 30
        started = [subprocess.Popen([*self.engine.client(), "run", "-d", "--network", "none", IMAGE, "sleep", "1000"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(count)]
        ended = [process.communicate(timeout=300) for process in started]
        self.assertEqual([err for _, err in ended if err], [])
        containers = [out.strip() for out, _ in ended]
        self.addCleanup(lambda: self.docker("rm", "-f", *containers, check=False))
        maps = [Path(f"/proc/{self.inspect(container, '{{.State.Pid}}')}/uid_map").read_text().split()[1]
                for container in containers]
        self.assertEqual(len(set(maps)), count)
        for container in containers[::10]:
            self.assertEqual(self.sh(container, "echo alive"), "alive")
        self.docker("rm", "-f", *containers, timeout=120)
        self.assertEqual(self.docker("ps", "-aq").stdout, "")


if __name__ == "__main__":
    unittest.main()
