"""The n-th system call of a command fails. Then the command succeeded and did all of its work, or it failed
with a clear message; a failed `create` leaves nothing by itself; after `delete --force` nothing is left."""

import errno
import re
import time
import unittest

import lab as world
from sweep import OTHER_ERRORS, Sweep

FAULTS = (errno.ENOMEM, *OTHER_ERRORS) if world.FULL else (errno.ENOMEM,)
NAMESPACE = re.compile(r"^(\w+):\[\d+\]$", re.M)


def stable(fingerprint):
    """Without what differs from container to container."""
    return NAMESPACE.sub(r"\1", fingerprint)


class Confined(Sweep):
    def expect_as_confined(self, result, counted):
        """What ran says what a process without a fault says, whole unless the command failed."""
        said, usual = stable(result.out), stable(counted.out)
        if result.code == 0:
            self.assertEqual(said, usual)
        else:
            self.assertEqual(said, usual[:len(said)])


class Errors(Confined):
    def test_create(self):
        counted = self.lab.create(inject="")
        self.lab.delete()

        def case(fault):
            result = self.lab.create(inject=fault)
            if result.code == 0:
                # Ready, the init is on its own: its later calls are those of a process that dies.
                status = self.lab.must("state", self.lab.id).out
                self.assertRegex(status, '"status": "(created|stopped)"' if self.is_init(result) else '"created"')
            else:
                self.expect_clear_error(result)
                self.expect_nothing_by_itself(result)
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case, 1)
        self.assertGreater(self.failed, 10)

    def test_run(self):
        """A container that runs in spite of a failed call is as confined as any."""
        counted = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject="")
        self.assertEqual(counted.code, 0, counted.err)

        def case(fault):
            result = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, inject=fault)
            self.expect_as_confined(result, counted)
            if result.code != 0:
                self.expect_clear_error(result)
                if not result.out:  # else it is the deletion that failed
                    self.expect_nothing_by_itself(result)
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case, 1)

    def test_start(self):
        self.lab.create()
        counted = self.lab.run("start", self.lab.id, inject="")
        self.lab.delete()

        def case(fault):
            self.lab.must_create()
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
            self.lab.must_create()
            self.lab.must("start", self.lab.id)
            result = self.lab.run("delete", "--force", self.lab.id, inject=fault)
            if result.code != 0:
                self.expect_clear_error(result)
            else:
                self.assertEqual(self.lab.left(), [], "delete said 0")
            self.lab.delete()
        self.sweep(counted.calls, FAULTS, case)


class RunningContainer(Confined):
    """Faults of `exec`: the container itself goes on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def sleeping(config):
            config["process"]["args"] = ["/bin/sleep", "1000"]
        cls.lab.write_config(cls.lab.bundle, sleeping)
        cls.empty = cls.lab.expected
        cls.begin()

    @classmethod
    def begin(cls):
        cls.lab.create()
        cls.lab.must("start", cls.lab.id)
        cls.lab.expect_nothing_more()

    @classmethod
    def tearDownClass(cls):
        cls.lab.delete()
        cls.lab.write_config(cls.lab.bundle)
        cls.lab.expected = cls.empty

    def rescue(self):
        if '"status": "running"' not in self.lab.run("state", self.lab.id).out:
            self.lab.delete()
            self.begin()
        elif self.lab.left(0):
            self.lab.expect_nothing_more()

    def processes(self):
        return self.lab.must("ps", "--format", "json", self.lab.id).out.strip()

    def expect_unharmed(self, before):
        """The container runs on, nothing of the exec is left in it."""
        self.assertEqual(self.lab.left(), [])
        end = time.monotonic() + 2
        while (now := self.processes()) != before and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(now, before)
        self.assertIn('"status": "running"', self.lab.must("state", self.lab.id).out)

    def exec(self, fault):
        return self.lab.run("exec", self.lab.id, "/bin/sh", "-c", world.FINGERPRINT, inject=fault)

    def test_exec(self):
        counted = self.exec("")
        self.assertEqual(counted.code, 0, counted.err)

        def case(fault):
            before = self.processes()
            result = self.exec(fault)
            self.expect_as_confined(result, counted)
            if result.code != 0:
                self.expect_clear_error(result)
            self.expect_unharmed(before)
        self.sweep(counted.calls, FAULTS, case)

    def test_exec_killed(self):
        counted = self.exec("")

        def case(fault):
            before = self.processes()
            self.exec(fault)
            self.expect_unharmed(before)
        self.sweep(counted.calls, ("kill",), case)


if __name__ == "__main__":
    unittest.main()
