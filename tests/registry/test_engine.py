"""What the verdict on images rests on, with a real engine: the id of an image that was pulled is among what
bulkhead-registry vouches for, that of any other image under the same name is not, and an image built on one begins
with its layers."""

import json
import os
import shutil
import sys
import unittest
from pathlib import Path

from support import PROGRAM, Authority, Client, DockerRegistry, remove, temporary, trust

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from engine import BULKHEAD, IMAGE, DockerEngine  # noqa: E402

shared = None


def setUpModule():
    global shared
    for program in (PROGRAM, BULKHEAD):
        if not program.exists():
            raise RuntimeError(f"{program} is not there: build it first")
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: a private Docker Engine")
    if not shutil.which("docker-registry"):
        raise unittest.SkipTest("docker-registry is not installed (scripts/bootstrap test)")
    shared = type("Shared", (), {"registry": None})()
    shared.directory = temporary()
    shared.engine = DockerEngine()
    try:
        shared.engine.__enter__()
        authority = Authority(shared.directory, "ca")
        shared.registry = DockerRegistry(shared.directory, authority, prefix=shared.engine.in_network)
        trust(shared.directory, shared.registry.name, authority)
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    if shared:
        if shared.registry:
            shared.registry.stop()
        shared.engine.close()
        remove(shared.directory)


class Images(unittest.TestCase):
    def setUp(self):
        self.engine, self.docker = shared.engine, shared.engine.docker
        self.name = f"{shared.registry.name}/{self.id().split('.')[-1]}"
        self.directory = temporary()
        self.addCleanup(remove, self.directory)

    def vouched(self, reference: str) -> set:
        client = Client(self.directory, {"certificates": str(shared.directory / "certs.d"), "refreshSeconds": 0},
                        prefix=self.engine.in_network)
        self.addCleanup(client.close)
        return client.ids_of(reference)

    def inspect(self, image: str) -> dict:
        return json.loads(self.docker("image", "inspect", image).stdout)[0]

    def build(self, tag: str, dockerfile: str) -> dict:
        (self.directory / "Dockerfile").write_text(dockerfile)
        self.docker("build", "-q", "-t", tag, "-f", self.directory / "Dockerfile", self.directory,
                    env={"DOCKER_BUILDKIT": "0"})
        return self.inspect(tag)

    def test_pulled_and_retagged(self):
        self.docker("tag", IMAGE, f"{self.name}:1")
        self.docker("push", f"{self.name}:1")
        good = self.inspect(f"{self.name}:1")
        self.assertIn(good["Id"], self.vouched(f"{self.name}:1"))
        digest = good["RepoDigests"][0].split("@")[1]
        self.assertIn(good["Id"], self.vouched(f"{self.name}@{digest}"))

        self.docker("rmi", f"{self.name}:1")
        self.docker("pull", f"{self.name}:1")
        self.assertIn(self.inspect(f"{self.name}:1")["Id"], self.vouched(f"{self.name}:1"))

        evil = self.build(f"{self.name}:1", f"FROM {IMAGE}\nENV EVIL=1\n")
        self.assertNotIn(evil["Id"], self.vouched(f"{self.name}:1"))

    def test_tag_that_moves_outdates_the_local_copy(self):
        self.docker("tag", IMAGE, f"{self.name}:1")
        self.docker("push", f"{self.name}:1")
        stale = self.inspect(f"{self.name}:1")["Id"]
        fresh = self.build(f"{self.name}:1", f"FROM {IMAGE}\nENV NEW=1\n")["Id"]
        self.docker("push", f"{self.name}:1")
        vouched = self.vouched(f"{self.name}:1")
        self.assertIn(fresh, vouched)
        self.assertNotIn(stale, vouched)

    def test_image_built_on_another(self):
        self.docker("tag", IMAGE, f"{self.name}:1")
        self.docker("push", f"{self.name}:1")
        parent = self.inspect(f"{self.name}:1")["RootFS"]["Layers"]
        self.assertGreater(len(parent), 0)
        for lines in ("ENV A=1", "COPY Dockerfile /x", "RUN echo a > /a\nRUN echo b > /b"):
            child = self.build(f"{self.name}:child", f"FROM {self.name}:1\n{lines}\n")["RootFS"]["Layers"]
            self.assertEqual(child[:len(parent)], parent)
        other = self.build(f"{self.name}:other", "FROM scratch\nCOPY Dockerfile /x\n")["RootFS"]["Layers"]
        self.assertNotEqual(other[:len(parent)], parent)


if __name__ == "__main__":
    unittest.main()
