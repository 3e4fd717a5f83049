"""G1, G12: the docker CLI, two versions of it, through the guard as without it."""

import os
import subprocess
import tarfile
import time
import unittest

import support
from support import CLIENTS, IMAGE

engine = guard = None


def setUpModule():
    global engine, guard
    engine, guard = support.start()


def tearDownModule():
    support.stop()


class Clients(unittest.TestCase):
    """Every test runs with each CLI that is here."""

    def run(self, result=None):
        for cli in CLIENTS:
            with self.subTest(cli=cli):
                self.cli = cli
                super().run(result)
        return result

    def docker(self, *arguments, **settings):
        return guard.docker(*arguments, cli=self.cli, **settings)

    def container(self, *arguments, command=("sleep", "1000")):
        name = self.docker("run", "-d", *arguments, IMAGE, *command).stdout.strip()
        self.addCleanup(guard.docker, "rm", "-f", "-v", name, check=False)
        return name

    def test_run_prints_and_ends_with_the_code(self):
        done = self.docker("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "out\n", "err\n"))

    def test_runtime_is_forced_whatever_is_asked(self):
        """G1: --runtime and --userns=host are no errors, and make no difference."""
        for options in (["--runtime=runc"], ["--runtime=io.containerd.runc.v2"], ["--runtime=nonsense"],
                        ["--userns=host"], ["--userns=host", "--runtime=runc", "--privileged"], []):
            with self.subTest(options=options):
                name = self.container(*options)
                self.assertEqual(self.docker("inspect", "-f", "{{.HostConfig.Runtime}}", name).stdout.strip(), "bulkhead")
                inside, host, size = self.docker("exec", name, "cat", "/proc/self/uid_map").stdout.split()
                self.assertEqual((inside, size), ("0", "65536"))
                self.assertGreaterEqual(int(host), 100000)

    def test_stdin_half_close(self):
        """attach and exec: the end of our input is passed on while the output still comes."""
        text = "".join(f"line {i}\n" for i in range(20000))
        script = "cat > /tmp/in; sleep 0.2; wc -c < /tmp/in; echo end"
        done = self.docker("run", "-i", "--rm", IMAGE, "sh", "-c", script, input=text)
        self.assertEqual(done.stdout.split(), [str(len(text)), "end"])
        done = self.docker("exec", "-i", self.container(), "sh", "-c", script, input=text)
        self.assertEqual(done.stdout.split(), [str(len(text)), "end"])

    def test_streams_are_whole(self):
        done = self.docker("run", "--rm", "-i", IMAGE, "cat", input="x" * 3_000_000)
        self.assertEqual(len(done.stdout), 3_000_000)

    def test_logs_follow_until_the_end_and_until_we_leave(self):
        name = self.container(command=("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done"))
        self.assertEqual(self.docker("logs", "-f", name).stdout, "1\n2\n3\n")
        name = self.container(command=("sh", "-c", "echo a; sleep 1000"))
        follower = subprocess.Popen([*guard.client(self.cli), "logs", "-f", name], stdout=subprocess.PIPE, text=True)
        self.assertEqual(follower.stdout.readline(), "a\n")
        follower.terminate()
        follower.communicate(timeout=10)

    def test_cp_both_ways(self):
        name = self.container()
        with self.subTest("into"):
            path = engine.root / "file"
            path.write_bytes(os.urandom(2_000_000))
            self.docker("cp", path, f"{name}:/root/file")
            self.docker("cp", f"{name}:/root/file", f"{path}.back")
            self.assertEqual(path.read_bytes(), (engine.root / "file.back").read_bytes())

    def test_images_travel(self):
        archive = engine.root / "image.tar"
        self.docker("save", "-o", archive, IMAGE)
        with tarfile.open(archive) as tar:
            self.assertIn("manifest.json", tar.getnames())
        self.docker("tag", IMAGE, "copy:1")
        self.docker("rmi", "copy:1")
        self.assertIn("Loaded image", self.docker("load", "-i", archive).stdout)

    def test_build(self):
        folder = engine.root / "context"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN cat /proc/self/uid_map > /map\nCMD cat /map\n")
        for kit in ("0", "1"):
            with self.subTest(buildkit=kit):
                if kit == "1" and "docker.io" not in self.docker("version").stdout and not self.has_buildkit():
                    self.skipTest(f"{self.cli} has no buildx plugin: no BuildKit without one")
                done = self.docker("build", "--no-cache", "-t", f"built:{kit}", folder, env={"DOCKER_BUILDKIT": kit}, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                words = self.docker("run", "--rm", f"built:{kit}").stdout.split()
                self.assertEqual(words[2], "65536", "the build ran in a user namespace")

    def has_buildkit(self):
        return self.cli == "/usr/bin/docker" or subprocess.run([self.cli, "buildx", "version"], capture_output=True,
                                                               check=False).returncode == 0

    def test_networks_volumes_and_the_rest(self):
        self.docker("network", "create", "n1")
        self.addCleanup(guard.docker, "network", "rm", "n1", check=False)
        self.docker("volume", "create", "v1")
        self.addCleanup(guard.docker, "volume", "rm", "-f", "v1", check=False)
        name = self.container("--network", "n1", "-v", "v1:/data", "--name", "one")
        for words in (["ps"], ["inspect", name], ["top", name], ["diff", name], ["port", name], ["stats", "--no-stream"],
                      ["images"], ["history", IMAGE], ["info"], ["version"], ["system", "df"], ["network", "ls"],
                      ["network", "inspect", "n1"], ["volume", "ls"], ["volume", "inspect", "v1"], ["pause", name],
                      ["unpause", name], ["rename", "one", "two"], ["update", "--memory", "64m", "--memory-swap", "64m", name],
                      ["restart", "-t", "0", name], ["kill", name], ["wait", name], ["start", name], ["commit", name, "c:1"],
                      ["stop", "-t", "0", name], ["rm", name], ["rmi", "c:1"], ["container", "prune", "-f"],
                      ["network", "disconnect", "n1", name]):
            done = self.docker(*words, check=False)
            if words[0] == "network" and words[1] == "disconnect":
                self.assertNotEqual(done.returncode, 0)  # it is gone: the engine's own error comes through
                self.assertIn("No such container", done.stderr)
            else:
                self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")

    def test_events_arrive_as_they_happen(self):
        events = subprocess.Popen([*guard.client(self.cli), "events", "--filter", "type=volume", "--format", "{{.Action}}"],
                                  stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.docker("volume", "create", "seen")
        self.docker("volume", "rm", "seen")
        self.assertEqual([events.stdout.readline().strip() for _ in range(2)], ["create", "destroy"])
        events.terminate()
        events.communicate(timeout=10)

    def test_errors_of_the_engine_come_through(self):
        done = self.docker("run", "no-such-image:1", check=False)
        self.assertEqual(done.returncode, 125)
        self.assertEqual(self.docker("start", "nothing", check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
