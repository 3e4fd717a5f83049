"""R1, R10: docker run, exec, attach, logs, stop and restart; exit codes; terminals; users."""

import os
import pty
import re
import select
import subprocess
import time
import unittest

from support import CLIENTS, IMAGE, Case, first_id, start_engine, stop_engine, wait_for

setUpModule, tearDownModule = start_engine, stop_engine


class Identity(Case):
    def test_r1_exclusive_ranges_side_by_side(self):
        first = first_id(self.sh(self.start(), "cat /proc/self/uid_map"))
        second = first_id(self.run_out("", "cat", "/proc/self/uid_map"))
        self.assertGreaterEqual(abs(first - second), 65536)
        self.assertEqual(self.run_out("", "sh", "-c", "cmp /proc/self/uid_map /proc/self/gid_map && echo same"), "same")

    def test_r1_same_range_after_restart(self):
        container = self.start()
        before = self.sh(container, "cat /proc/self/uid_map")
        others = [self.start() for _ in range(2)]
        for command in (("restart", "-t", "0"), ("stop", "-t", "0"), ("kill",)):
            self.docker(*command, container)
            if command[0] != "restart":
                self.docker("start", container)
            self.assertEqual(self.sh(container, "cat /proc/self/uid_map"), before, command)
        self.assertEqual(len({self.sh(other, "cat /proc/self/uid_map") for other in others} | {before}), 3)

    def test_runtime_is_what_inspect_says(self):
        self.assertEqual(self.inspect(self.start(), "{{.HostConfig.Runtime}}"), "bulkhead")

    def test_processes_belong_to_the_range_on_the_host(self):
        container = self.start()
        outside = first_id(self.sh(container, "cat /proc/self/uid_map"))
        pid = self.inspect(container, "{{.State.Pid}}")
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            uids = re.search(r"^Uid:\s+(\d+)", status.read(), re.M).group(1)
        self.assertEqual(int(uids), outside)

    def test_userns_and_cgroupns_host_are_ignored(self):
        """R3"""
        for option in ("--userns=host", "--cgroupns=host"):
            first_id(self.run_out(option, "cat", "/proc/self/uid_map"))


class ExitCodes(Case):
    def code(self, *arguments) -> int:
        return self.docker("run", "--rm", *arguments, check=False).returncode

    def test_codes(self):
        self.assertEqual(self.code(IMAGE, "true"), 0)
        self.assertEqual(self.code(IMAGE, "sh", "-c", "exit 7"), 7)
        self.assertEqual(self.code("--no-such-option", IMAGE), 125)
        self.assertEqual(self.code("--pid=host", IMAGE), 125)
        self.assertEqual(self.code(IMAGE, "/etc/passwd"), 126)
        self.assertEqual(self.code(IMAGE, "/bin"), 126)
        self.assertEqual(self.code(IMAGE, "no-such-program"), 127)
        self.assertEqual(self.code(IMAGE, "/no/such/program"), 127)

    def test_messages_name_the_program(self):
        for program, text in (("no-such-program", "executable file not found in $PATH"),
                              ("/etc/passwd", "permission denied")):
            self.assertIn(text, self.run_fails("", program).lower().replace("$path", "$PATH"))

    def test_exec_codes(self):
        container = self.start()
        # Engine 20.10 says 126 of every program that it cannot run, later ones 127 of a missing one.
        for command, codes in ((["true"], [0]), (["sh", "-c", "exit 9"], [9]), (["/etc/passwd"], [126]),
                               (["no-such-program"], [126, 127]), (["sh", "-c", "kill -9 $$"], [137])):
            self.assertIn(self.docker("exec", container, *command, check=False).returncode, codes, command)

    def test_wait_and_state(self):
        container = self.start((), "sh", "-c", "exit 3")
        self.assertEqual(self.docker("wait", container).stdout.strip(), "3")
        self.assertEqual(self.inspect(container, "{{.State.ExitCode}} {{.State.OOMKilled}}"), "3 false")


class Streams(Case):
    def test_stdin_is_passed_and_closed(self):
        text = "line\n" * 50000
        self.assertEqual(self.run_out("-i", "wc", "-c", input=text), str(len(text)))
        container = self.start()
        self.assertEqual(self.docker("exec", "-i", container, "cat", input="to exec\n").stdout, "to exec\n")

    def test_streams_are_apart(self):
        done = self.docker("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))

    def test_logs_of_a_finished_container(self):
        container = self.start((), "sh", "-c", "echo one; echo two >&2")
        self.docker("wait", container)
        done = self.docker("logs", container)
        self.assertEqual((done.stdout, done.stderr), ("one\n", "two\n"))

    def test_logs_follow_until_the_end(self):
        container = self.start((), "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
        self.assertEqual(self.docker("logs", "-f", container).stdout, "1\n2\n3\n")

    def test_attach(self):
        container = self.start("-i", "sh", "-c", "read line; echo got $line; read end; exit 5")
        attached = subprocess.Popen([*self.engine.client(), "attach", container], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        attached.stdin.write("hello\n")
        attached.stdin.flush()
        self.assertEqual(attached.stdout.readline(), "got hello\n")
        attached.communicate("end\n", timeout=30)
        self.assertEqual(attached.returncode, 5)

    def test_stdio_nodes(self):
        self.assertEqual(self.run_out("", "sh", "-c", "echo a > /dev/stdout; echo b > /proc/self/fd/1"), "a\nb")
        self.assertEqual(self.run_out("--user 1000", "sh", "-c", "echo a > /dev/stdout"), "a")


class Terminal(Case):
    def in_terminal(self, *arguments, keys: str = "", until: str = "", resize=None) -> tuple:
        """A docker command under a pty: (what it printed, its exit code). `keys` are typed once `until` is seen."""
        master, slave = pty.openpty()
        process = subprocess.Popen([*self.engine.client(), *arguments], stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True)
        os.close(slave)
        text, end = "", time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.2)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                text += os.read(master, 65536).decode(errors="replace")
            except OSError:  # EIO: nobody has the other side open any more
                break
            if keys and until in text:
                if resize:
                    import fcntl
                    import struct
                    import termios
                    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *resize, 0, 0))
                    process.send_signal(28)  # SIGWINCH
                    time.sleep(1)
                os.write(master, keys.encode())
                keys = ""
        os.close(master)
        return text.replace("\r\n", "\n"), process.wait(30)

    def test_run_with_a_terminal(self):
        text, code = self.in_terminal("run", "--rm", "-it", IMAGE, "sh", "-c",
                                      "tty; test -t 0 && test -t 1 && test -t 2 && echo all; stat -c %u:%g $(tty); exit 4")
        self.assertEqual(code, 4, text)
        self.assertIn("/dev/pts/0\nall\n0:", text)

    def test_typing_and_job_control(self):
        text, code = self.in_terminal("run", "--rm", "-it", IMAGE, "sh", keys="echo $((40+2)); exit 6\n", until="#")
        self.assertEqual(code, 6, text)
        self.assertIn("\n42\n", text)
        self.assertNotIn("job control turned off", text)

    def test_interrupt_key(self):
        text, code = self.in_terminal("run", "--rm", "-it", IMAGE, "sh", "-c",
                                      "trap 'echo caught; exit 8' INT; echo ready; while :; do sleep 0.1; done",
                                      keys="\x03", until="ready")
        self.assertEqual(code, 8, text)
        self.assertIn("caught", text)

    def test_resize(self):
        text, _ = self.in_terminal("run", "--rm", "-it", IMAGE, "sh", "-c", "echo ready; read x; stty size",
                                   keys="\n", until="ready", resize=(33, 77))
        self.assertIn("33 77", text)

    def test_exec_with_a_terminal(self):
        container = self.start()
        text, code = self.in_terminal("exec", "-it", container, "sh", "-c", "tty; exit 2")
        self.assertEqual(code, 2, text)
        self.assertIn("/dev/pts/", text)

    def test_tty_for_an_unprivileged_user(self):
        text, code = self.in_terminal("run", "--rm", "-it", "--user", "1000", IMAGE, "sh", "-c",
                                      "echo written > $(tty); echo x > /dev/tty")
        self.assertEqual((code, text), (0, "written\nx\n"))


class Lifecycle(Case):
    def test_stop_sends_the_signal_then_kills(self):
        polite = self.start((), "sh", "-c", "trap 'exit 21' TERM; while :; do sleep 0.1; done")
        self.docker("stop", "-t", "20", polite)
        self.assertEqual(self.inspect(polite, "{{.State.ExitCode}}"), "21")
        deaf = self.start()
        start = time.monotonic()
        self.docker("stop", "-t", "1", deaf)
        self.assertLess(time.monotonic() - start, 15)
        self.assertEqual(self.inspect(deaf, "{{.State.ExitCode}}"), "137")

    def test_kill_with_a_signal(self):
        container = self.start((), "sh", "-c", "trap 'echo usr1' USR1; while :; do sleep 0.1; done")
        time.sleep(0.5)
        self.docker("kill", "-s", "USR1", container)
        wait_for(lambda: "usr1" in self.docker("logs", container).stdout, "the signal's handler ran")

    def test_create_and_start_separately(self):
        container = self.docker("create", "-i", IMAGE, "cat").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container, check=False)
        self.assertEqual(self.inspect(container, "{{.State.Status}}"), "created")
        self.assertEqual(self.docker("start", "-ai", container, input="typed\n").stdout, "typed\n")
        self.assertEqual(self.docker("start", "-ai", container, input="again\n").stdout, "again\n")

    def test_rm_force_in_every_state(self):
        created = self.docker("create", IMAGE, "true").stdout.strip()
        running, paused, exited = self.start(), self.start(), self.start((), "true")
        self.docker("pause", paused)
        self.docker("wait", exited)
        for container in (created, running, paused, exited):
            self.docker("rm", "-f", container, timeout=20)
        self.assertEqual(self.docker("ps", "-aq", "--no-trunc").stdout.split(), [])

    def test_pause_and_unpause(self):
        container = self.start((), "sh", "-c", "while :; do date +%s; sleep 0.1; done")
        self.docker("pause", container)
        self.assertEqual(self.inspect(container, "{{.State.Status}}"), "paused")
        lines = len(self.docker("logs", container).stdout.splitlines())
        time.sleep(1)
        self.assertLessEqual(len(self.docker("logs", container).stdout.splitlines()) - lines, 1)
        self.docker("unpause", container)
        wait_for(lambda: len(self.docker("logs", container).stdout.splitlines()) > lines + 2, "it runs on")

    def test_restart_on_failure(self):
        container = self.start("--restart=on-failure:3", "false")
        wait_for(lambda: self.inspect(container, "{{.RestartCount}} {{.State.Status}}") == "3 exited", "three restarts")

    def test_healthcheck(self):
        container = self.start(["--health-cmd", "test -e /healthy", "--health-interval", "1s", "--health-retries", "1"])
        wait_for(lambda: self.inspect(container, "{{.State.Health.Status}}") == "unhealthy", "unhealthy")
        self.sh(container, "touch /healthy")
        wait_for(lambda: self.inspect(container, "{{.State.Health.Status}}") == "healthy", "healthy")

    def test_events(self):
        since = str(time.time())
        container = self.start((), "true")
        self.docker("wait", container)
        self.docker("rm", container)
        text = self.docker("events", "--since", since, "--until", str(time.time() + 1), "--filter",
                           f"container={container}", "--format", "{{.Action}}").stdout.split()
        self.assertEqual([word for word in text if word in ("create", "start", "die", "destroy")],
                         ["create", "start", "die", "destroy"])

    def test_top_ps_stats(self):
        container = self.start()
        self.assertIn("sleep 1000", self.docker("top", container).stdout)
        self.assertIn(container[:12], self.docker("ps").stdout)
        stats = self.docker("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", container).stdout.split()
        self.assertRegex(stats[0], r"^[1-9][\d.]*[kKM]i?B$|^0\.\d+MiB$")
        self.assertEqual(stats[-1], "1")


class Process(Case):
    def test_init(self):
        self.assertIn("docker-init", self.run_out("--init", "cat", "/proc/1/cmdline"))
        # The init reaps orphans.
        self.assertEqual(self.run_out("--init", "sh", "-c",
                                      "(sleep 0.1 &) ; sleep 1; ps -o stat | grep -c Z || true"), "0")

    def test_user_by_name_and_number(self):
        self.assertEqual(self.run_out("--user user", "id"), "uid=1000(user) gid=1000(user) groups=1000(user)")
        self.assertEqual(self.run_out("--user 33:44", "id"), "uid=33 gid=44 groups=44")
        self.assertEqual(self.run_out("--user 1000:0 --group-add 7 --group-add 5000", "sh", "-c", "id -u; id -g; id -G"),
                         "1000\n0\n0 7 5000")
        self.assertIn("unable to find user nobody-here", self.run_fails("--user nobody-here", "id"))

    def test_user_beyond_the_range_is_refused(self):
        self.assertIn("no such id", self.run_fails("--user 70000", "id"))

    def test_exec_as_another_user(self):
        container = self.start("--user 1000")
        self.assertEqual(self.sh(container, "id -u"), "1000")
        self.assertEqual(self.sh(container, "id -u", "-u", "0"), "0")
        self.assertEqual(self.sh(container, "pwd; echo $NAME", "-w", "/etc", "-e", "NAME=value"), "/etc\nvalue")

    def test_exec_privileged(self):
        container = self.start()
        everything = self.sh(container, "grep CapEff /proc/self/status", "--privileged").split()[1]
        self.assertGreaterEqual(int(everything, 16), 0x1ffffffff)
        self.assertIn("Operation not permitted",
                      self.docker("exec", "--privileged", container, "mknod", "/tmp/sda", "b", "8", "0", check=False).stderr)

    def test_exec_detached(self):
        container = self.start()
        self.docker("exec", "-d", container, "sh", "-c", "echo done > /tmp/file")
        wait_for(lambda: self.sh(container, "cat /tmp/file || true") == "done", "the detached exec ran")

    def test_missing_working_directory_is_made(self):
        self.assertEqual(self.run_out("-w /made/for/me", "sh", "-c", "pwd; stat -c %u:%g ."), "/made/for/me\n0:0")
        self.assertEqual(self.run_out("-w /made/for/me --user 1000", "pwd"), "/made/for/me")

    def test_names(self):
        self.assertEqual(self.run_out("--hostname box --domainname example.org", "sh", "-c",
                                      "hostname; cat /proc/sys/kernel/domainname"), "box\nexample.org")

    def test_environment(self):
        self.assertEqual(self.run_out(["-e", "A=x y", "--env", "B="], "sh", "-c", 'echo "$A|$B|$HOME|$HOSTNAME" | cut -c1-10'),
                         "x y||/root")

    def test_uptime_is_the_containers(self):
        """R7"""
        self.assertLess(float(self.run_out("", "cut", "-d ", "-f1", "/proc/uptime")), 30)


@unittest.skipUnless(len(CLIENTS) > 1, f"only one docker client here: {CLIENTS}")
class BothClients(Case):
    def test_everyday_commands(self):
        for cli in CLIENTS:
            with self.subTest(cli=cli):
                name = f"client{CLIENTS.index(cli)}"
                self.docker("run", "-d", "--name", name, "-v", "/data", IMAGE, "sleep", "1000", cli=cli)
                self.addCleanup(self.docker, "rm", "-fv", name, check=False)
                self.assertEqual(self.docker("exec", "-i", name, "cat", input="x", cli=cli).stdout, "x")
                self.docker("restart", "-t", "0", name, cli=cli)
                self.assertIn(name, self.docker("ps", cli=cli).stdout)
                self.docker("cp", "/etc/hostname", f"{name}:/tmp/copy", cli=cli)
                self.assertEqual(self.docker("exec", name, "stat", "-c", "%u:%g", "/tmp/copy", cli=cli).stdout, "0:0\n")
                self.docker("stop", "-t", "0", name, cli=cli)
                self.docker("rm", name, cli=cli)


if __name__ == "__main__":
    unittest.main()
