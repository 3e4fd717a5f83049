"""The n-th system call of a command fails. Then the command succeeded and did all of its work, or it failed
with a clear message; a failed `create` leaves nothing by itself; after `delete --force` nothing is left."""

import errno
import re
import unittest

import lab as world
from sweep import ALL_ERRORS, Sweep

FAULTS = ALL_ERRORS if world.FULL else (errno.ENOMEM,)
NAMESPACE = re.compile(r"^(\w+):\[\d+\]$", re.M)


def stable(fingerprint):
    """Without what differs from container to container."""
    return NAMESPACE.sub(r"\1", fingerprint)


class Errors(Sweep):
    def test_create(self):
        counted = self.lab.create(inject="")
        self.lab.delete()

        def case(fault):
            result = self.lab.create(inject=fault)
            if result.code == 0:
                self.assertIn('"status": "created"', self.lab.must("state", self.lab.id).out)
            else:
                self.expect_clear_error(result)
                if not self.is_crash(result):
                    self.assertEqual(self.lab.left(1), [], f"left by create itself; {result.err}")
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case, 1)
        self.assertGreater(self.failed, 10)

    def test_run(self):
        """A container that runs in spite of a failed call is as confined as any."""
        counted = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject="")
        self.assertEqual(counted.code, 0, counted.err)

        def case(fault):
            result = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject=fault)
            if result.out:
                self.assertEqual(stable(result.out), stable(counted.out), "the container differs")
            if result.code != 0:
                self.expect_clear_error(result)
                if not self.is_crash(result):
                    self.assertEqual(self.lab.left(1), [], f"left by run itself; {result.err}")
            else:
                self.assertTrue(result.out, "exit code 0, but the process did not run")
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case, 1)

    def test_start(self):
        self.lab.create()
        counted = self.lab.run("start", self.lab.id, inject="")
        self.lab.delete()

        def case(fault):
            self.assertEqual(self.lab.create().code, 0)
            result = self.lab.run("start", self.lab.id, inject=fault)
            if result.code != 0:
                self.expect_clear_error(result)
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case)

    def test_delete(self):
        self.lab.create()
        self.lab.must("start", self.lab.id)
        counted = self.lab.run("delete", "--force", self.lab.id, inject="")

        def case(fault):
            self.assertEqual(self.lab.create().code, 0)
            self.lab.must("start", self.lab.id)
            result = self.lab.run("delete", "--force", self.lab.id, inject=fault)
            if result.code != 0:
                self.expect_clear_error(result)
            else:
                self.assertEqual(self.lab.left(), [], "delete said 0")
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case)


class RunningContainer(Sweep):
    """Faults of `exec`: the container itself goes on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def sleeping(config):
            config["process"]["args"] = ["/bin/sleep", "1000"]
        cls.lab.write_config(cls.lab.bundle, sleeping)
        cls.lab.create()
        cls.lab.must("start", cls.lab.id)
        cls.lab.left(0)
        cls.empty = cls.lab.expected
        cls.lab.expect_nothing_more()

    @classmethod
    def tearDownClass(cls):
        cls.lab.delete()
        cls.lab.write_config(cls.lab.bundle)
        cls.lab.expected = cls.empty

    def rescue(self):
        if self.lab.left(0):
            self.lab.expect_nothing_more()

    def processes(self):
        return self.lab.must("ps", "--format", "json", self.lab.id).out.strip()

    def exec(self, fault):
        return self.lab.run("exec", self.lab.id, "/bin/sh", "-c", world.FINGERPRINT, inject=fault)

    def test_exec(self):
        before = self.processes()
        counted = self.exec("")
        self.assertEqual(counted.code, 0, counted.err)

        def case(fault):
            result = self.exec(fault)
            if result.out:
                self.assertEqual(stable(result.out), stable(counted.out), "the process differs")
            if result.code != 0:
                self.expect_clear_error(result)
            else:
                self.assertTrue(result.out, "exit code 0, but the process did not run")
            self.assertEqual(self.lab.left(), [])
            self.assertEqual(self.processes(), before)
            self.assertIn('"status": "running"', self.lab.must("state", self.lab.id).out)
        self.sweep(counted.calls, FAULTS, case)

    def test_exec_killed(self):
        before = self.processes()
        counted = self.exec("")

        def case(fault):
            self.exec(fault)
            self.assertEqual(self.lab.left(), [])
            self.assertEqual(self.processes(), before)
            self.assertIn('"status": "running"', self.lab.must("state", self.lab.id).out)
        self.sweep(counted.calls, ("kill",), case)


if __name__ == "__main__":
    unittest.main()
