"""G2 to G6: who gets the Docker socket, what may be done through it, and that it outlives the guard's processes."""

import json
import os
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

import support
from support import IMAGE, DockerEngine, Guard

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from engine import busybox_rootfs  # noqa: E402

CLIENT = "/usr/local/bin/docker"
TOOL = "registry.test/tools/docker:cli"  # listed, vouched for by the pin file
STRANGER = "stranger:1"
engine = guard = None


def import_client(name: str) -> None:
    """An image with a docker CLI, if there is a static one."""
    with tempfile.TemporaryDirectory() as directory:
        busybox_rootfs(Path(directory))
        (Path(directory) / "who").write_text(name)
        if os.access(CLIENT, os.X_OK):
            shutil.copy(CLIENT, f"{directory}/bin/docker")
        archive = engine.root / "client.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(directory, arcname=".")
        engine.docker("import", archive, name)
        archive.unlink()


def pins(*names) -> str:
    """A pin file that vouches for local images."""
    images = []
    for name in names:
        config = engine.docker("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()
        images.append({"reference": name, "digest": config, "verifiedAt": int(time.time()), "source": "pin",
                       "manifests": [{"digest": config, "config": config, "os": "linux", "architecture": "amd64"}]})
    path = engine.root / "pins.json"
    path.write_text(json.dumps({"images": images}))
    return str(path)


def settings(images=(TOOL,), derived=False, commands=(), kind="deny", lists=()) -> dict:
    return {"enhancedContainerIsolation": {"dockerSocketMount": {
                "imageList": {"images": list(images), "allowDerivedImages": derived},
                "commandList": {"type": kind, "commands": list(commands)}}},
            "bulkhead": {"registry": {"pinFile": str(engine.root / "pins.json")},
                         "dockerSocketMount": {"commandLists": list(lists)},
                         "restrictedMounts": {"exceptions": [f"{engine.root}/state/sockets/*/docker.sock"]}}}


def setUpModule():
    global engine, guard
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: a private Docker Engine")
    engine = DockerEngine()
    try:
        engine.runtime_args = ("--settings", str(engine.root / "admin-settings.json"))
        (engine.root / "admin-settings.json").write_text("{}")
        engine.__enter__()
        import_client(TOOL)
        import_client(STRANGER)
        pins(TOOL)
        guard = Guard(engine, settings(), ("--registry-option=--cache", f"--registry-option={engine.root}/registry",
                                           "--registry-option=--user", "--registry-option=64998:64998"))
        guard.start()
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    if guard:
        guard.stop()
    if engine:
        engine.close()


class Sockets(unittest.TestCase):
    def setUp(self):
        self.apply(settings())

    def apply(self, policy: dict) -> None:
        guard.write_settings(policy)
        guard.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)

    def run_with_socket(self, *options, image=TOOL, command=("sleep", "1000"), check=True):
        done = guard.docker("run", "-d", "-v", f"{guard.socket}:/var/run/docker.sock", *options, image, *command, check=False)
        if done.returncode == 0:
            self.addCleanup(engine.docker, "rm", "-f", done.stdout.strip(), check=False)
        elif check:
            self.fail(done.stderr)
        return done if not check else done.stdout.strip()

    def inside(self, name, *words, check=True):
        done = guard.docker("exec", name, "docker", *words, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def needs_client(self):
        if not os.access(CLIENT, os.X_OK):
            self.skipTest(f"no static docker client at {CLIENT} to put into an image")

    def test_allowed_by_content(self):
        self.needs_client()
        name = self.run_with_socket()
        self.assertIn(name[:12], self.inside(name, "ps").stdout)
        source = engine.docker("inspect", "-f", "{{(index .HostConfig.Binds 0)}}", name).stdout
        self.assertIn("/state/sockets/", source, "a socket of its own")

    def test_strangers_are_refused_with_the_way_out(self):
        for options, image in (((), STRANGER), ((), IMAGE)):
            done = self.run_with_socket(*options, image=image, check=False)
            self.assertEqual(done.returncode, 125)
            self.assertIn("enhanced container isolation: docker socket mount denied for container with image", done.stderr)
            self.assertIn(str(guard.settings), done.stderr)
            self.assertIn("imageList.images", done.stderr)

    def test_a_retagged_image_is_a_stranger(self):
        engine.docker("tag", TOOL, "good:copy")
        engine.docker("tag", STRANGER, TOOL)
        self.addCleanup(engine.docker, "tag", "good:copy", TOOL)
        self.assertIn("socket mount denied", self.run_with_socket(check=False).stderr)

    def test_judged_again_at_start(self):
        name = guard.docker("create", "-v", f"{guard.socket}:/var/run/docker.sock", TOOL, "sleep", "1000").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", name, check=False)
        self.apply(settings(images=()))
        self.assertIn("ocker socket mount denied", guard.docker("start", name, check=False).stderr)
        self.apply(settings())
        guard.docker("start", name)

    def test_only_the_socket_itself(self):
        for options in (("-v", f"{engine.root}:/x"), ("-v", "/:/x"), ("-v", "/var/tmp:/x")):
            done = guard.docker("run", "--rm", *options, TOOL, "true", check=False)
            self.assertIn("socket mount denied", done.stderr, options)
        holder = self.run_with_socket()
        done = guard.docker("run", "--rm", "--volumes-from", holder, TOOL, "true", check=False)
        self.assertIn("socket mount denied", done.stderr)

    def test_any_image_with_a_star(self):
        self.apply(settings(images=["*"]))
        self.needs_client()
        name = self.run_with_socket(image=STRANGER)
        self.inside(name, "version")

    def test_derived_images(self):
        context = engine.root / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {TOOL}\nENV A=b\nCOPY Dockerfile /x\n")
        engine.docker("build", "-q", "-t", "derived:1", context, env={"DOCKER_BUILDKIT": "0"})
        self.assertIn("socket mount denied", self.run_with_socket(image="derived:1", check=False).stderr)
        self.apply(settings(derived=True))
        self.run_with_socket(image="derived:1")
        self.assertIn("socket mount denied", self.run_with_socket(image=STRANGER, check=False).stderr)

    def test_command_lists(self):
        self.needs_client()
        self.apply(settings(commands=["push", "build*", "volume*"]))
        name = self.run_with_socket()
        self.inside(name, "ps")
        for words in (["push", "a"], ["volume", "ls"], ["builder", "prune", "-f"]):
            done = self.inside(name, *words, check=False)
            self.assertIn("enhanced container isolation: docker command", done.stderr, words)
            self.assertIn("is blocked", done.stderr)
        self.assertEqual(guard.docker("volume", "ls").returncode, 0, "the host's own CLI is not under the list")
        self.apply(settings(kind="allow", commands=["ps"]))  # live: the same socket
        self.inside(name, "ps")
        self.assertIn("is blocked", self.inside(name, "images", check=False).stderr)

    def test_a_list_of_its_own_for_an_image(self):
        self.needs_client()
        self.apply(settings(commands=["ps"], lists=[{"images": [TOOL], "type": "deny", "commands": ["images"]}]))
        name = self.run_with_socket()
        self.inside(name, "ps")
        self.assertIn("is blocked", self.inside(name, "images", check=False).stderr)

    def test_what_a_container_makes_is_under_the_same_rules(self):
        self.needs_client()
        name = self.run_with_socket()
        made = self.inside(name, "run", "-d", "--runtime=runc", "--userns=host", IMAGE, "sleep", "100").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", made, check=False)
        self.assertEqual(engine.docker("inspect", "-f", "{{.HostConfig.Runtime}}", made).stdout.strip(), "bulkhead")
        for words in (["-v", "/etc/shadow:/x", IMAGE], ["--pid=host", IMAGE], ["-v", f"{guard.socket}:/s", IMAGE],
                      ["-v", f"{guard.socket}:/s", STRANGER]):
            done = self.inside(name, "run", "--rm", *words, "true", check=False)
            self.assertNotEqual(done.returncode, 0, words)
        nested = self.inside(name, "run", "-d", "-v", f"{guard.socket}:/var/run/docker.sock", TOOL, "sleep", "100").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", nested, check=False)
        self.inside(nested, "ps")

    def test_re_creation_from_inspect(self):
        """As Watchtower does: the old container's HostConfig is the new one's; it gets a socket of its own."""
        name = self.run_with_socket()
        old = json.loads(engine.docker("inspect", name).stdout)[0]["HostConfig"]["Binds"]
        response = guard.request("POST", "/containers/create", {"Image": TOOL, "Cmd": ["sleep", "100"], "HostConfig": {"Binds": old}})
        self.assertEqual(response.status, 201, response.message)
        new = json.loads(response.body)["Id"]
        self.addCleanup(engine.docker, "rm", "-f", new, check=False)
        self.assertNotEqual(json.loads(engine.docker("inspect", new).stdout)[0]["HostConfig"]["Binds"], old)
        stolen = guard.request("POST", "/containers/create", {"Image": STRANGER, "HostConfig": {"Binds": old}})
        self.assertEqual(stolen.status, 403)

    def test_the_socket_outlives_the_workers(self):
        self.needs_client()
        name = self.run_with_socket("--user", "1000")
        for _ in range(2):
            os.kill(guard.workers()[0], signal.SIGKILL)
            self.inside(name, "ps")
        guard.process.send_signal(signal.SIGUSR2)
        time.sleep(1)
        self.inside(name, "ps")
        guard.docker("restart", "-t", "0", name)
        self.inside(name, "ps")

    def test_audit_names_the_container(self):
        self.needs_client()
        name = self.run_with_socket()
        self.inside(name, "ps")
        line = [row for row in guard.audit() if row.get("container_socket")][-1]
        self.assertEqual(line["route"], "/containers/json")

    def test_audit_mode_refuses_nothing(self):
        policy = settings()
        policy["bulkhead"]["mode"] = "audit"
        self.apply(policy)
        name = guard.request("POST", "/containers/create", {"Image": IMAGE, "HostConfig": {"Binds": ["/etc/docker/x:/x"], "Runtime": "runc"}})
        self.assertEqual(name.status, 201, name.message)
        engine.docker("rm", "-f", json.loads(name.body)["Id"])
        line = [row for row in guard.audit() if row["route"] == "/containers/create"][-1]
        self.assertEqual(line["verdict"], "allow")
        self.assertIn("would be refused: restricted-mount", json.dumps(line["changes"]))


if __name__ == "__main__":
    unittest.main()
