"""SIGKILL for any process of the runtime at any system call, and at any moment: the next `delete --force`
ends in time and takes everything, the init never outlives it."""

import random
import signal
import subprocess
import time
import unittest

import lab as world
from sweep import SEED, Sweep


class Kills(Sweep):
    KILL = ("kill",)

    def test_create(self):
        counted = self.lab.create(inject="")
        self.lab.delete()

        def case(fault):
            result = self.lab.create(inject=fault)
            if fault[0] == 0:
                self.assertEqual(result.signal, signal.SIGKILL)
            elif result.code != 0:  # another process died: create says so and cleans up by itself
                self.expect_clear_error(result)
                self.assertEqual(self.lab.left(1), [], f"left by create itself; {result.err}")
            self.lab.delete()
        self.sweep(counted.calls, self.KILL, case, 1)

    def test_start(self):
        self.lab.create()
        counted = self.lab.run("start", self.lab.id, inject="")
        self.lab.delete()

        def case(fault):
            self.lab.must_create()
            self.lab.run("start", self.lab.id, inject=fault)
            self.lab.delete()
        self.sweep(counted.calls, self.KILL, case, 1)

    def test_run(self):
        counted = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject="")

        def case(fault):
            self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject=fault)
            self.lab.delete()
        self.sweep([call for call in counted.calls if call[0] > 0 or call[1] > 1500], self.KILL, case, 1)

    def test_delete(self):
        self.lab.create()
        self.lab.must("start", self.lab.id)
        counted = self.lab.run("delete", "--force", self.lab.id, inject="")

        def case(fault):
            self.lab.must_create()
            self.lab.must("start", self.lab.id)
            self.lab.run("delete", "--force", self.lab.id, inject=fault)
            self.lab.delete()
        self.sweep(counted.calls, self.KILL, case)

    def test_any_moment(self):
        """By the clock, without a tracer's slowness: also between system calls and in the kernel."""
        chance = random.Random(SEED)
        for number in range(2000 if world.FULL else 120):
            delay = chance.uniform(0, 0.05)
            with self.subTest(f"{number}: {delay * 1000:.2f} ms"):
                process = subprocess.Popen(
                    [world.BULKHEAD, "run", "--bundle", self.lab.bundle, self.lab.id], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=world.ENVIRONMENT)
                time.sleep(delay)
                process.kill()
                process.wait()
                self.lab.delete()
                self.assertEqual(self.lab.left(), [])

    def test_delete_beside_create(self):
        """Two commands at once for one container: at the end it is whole or gone."""
        chance = random.Random(SEED)
        for number in range(500 if world.FULL else 40):
            with self.subTest(str(number)):
                create = subprocess.Popen(
                    [world.BULKHEAD, "create", "--bundle", self.lab.bundle, self.lab.id], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=world.ENVIRONMENT)
                time.sleep(chance.uniform(0, 0.03))
                self.lab.run("delete", "--force", self.lab.id)
                create.wait(world.HANG_SECONDS)
                create.stderr.close()
                if create.returncode == 0 and self.lab.run("state", self.lab.id).code == 0:
                    self.lab.must("start", self.lab.id)
                self.lab.delete()
                self.assertEqual(self.lab.left(), [])


if __name__ == "__main__":
    unittest.main()
