"""R12: what is left and what lives on when dockerd ends, with and without live-restore."""

import os
import signal
import time
import unittest
from pathlib import Path

from support import IMAGE, Case, first_id, start_engine, stop_engine, wait_for

tearDownModule = stop_engine


def setUpModule():
    start_engine(extra=("--live-restore",))


class LiveRestore(Case):
    def test_containers_live_on(self):
        container = self.start("-i", "sh", "-c", "while sleep 0.2; do date +%s%N; done")
        pid, ids = self.inspect(container, "{{.State.Pid}}"), self.sh(container, "cat /proc/self/uid_map")
        self.engine.stop()
        self.assertTrue(Path(f"/proc/{pid}").exists())
        self.engine.start()
        self.assertEqual(self.inspect(container, "{{.State.Pid}} {{.State.Running}}"), f"{pid} true")
        self.assertEqual(self.sh(container, "cat /proc/self/uid_map"), ids)
        lines = len(self.docker("logs", container).stdout.splitlines())
        wait_for(lambda: len(self.docker("logs", container).stdout.splitlines()) > lines, "the log goes on")
        self.docker("stop", "-t", "0", container)
        self.docker("start", container)
        self.assertEqual(self.sh(container, "cat /proc/self/uid_map"), ids)

    def test_killed_engine(self):
        container = self.start()
        self.engine.process.send_signal(signal.SIGKILL)
        self.engine.process.wait()
        (self.engine.root / "pid").unlink(missing_ok=True)
        self.engine.start()
        self.assertEqual(self.sh(container, "echo alive"), "alive")

    def test_ends_while_the_engine_is_away(self):
        container = self.start((), "sleep", "3")
        self.engine.stop()
        time.sleep(4)
        self.engine.start()
        wait_for(lambda: self.inspect(container, "{{.State.Status}}") == "exited", "the end is noticed")
        self.docker("start", container)
        first_id(self.sh(container, "cat /proc/self/uid_map"))

    def test_killed_init(self):
        container = self.start()
        os.kill(int(self.inspect(container, "{{.State.Pid}}")), signal.SIGKILL)
        wait_for(lambda: self.inspect(container, "{{.State.Status}} {{.State.ExitCode}}") == "exited 137", "the end is noticed")
        self.docker("start", container)
        self.assertEqual(self.sh(container, "echo again"), "again")


if __name__ == "__main__":
    unittest.main()
