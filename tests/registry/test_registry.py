"""G3: what bulkhead-registry says of images in a real registry with TLS: tags that move, several platforms, registries that
are down, credentials, pins; and what it is not able to do."""

import base64
import crypt
import json
import os
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from support import PROGRAM, USER, Authority, Client, DockerRegistry, Image, remove, temporary, trust

shared = None


def setUpModule():
    global shared
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM} is not there: build it first")
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: the process changes its user")
    if not shutil.which("docker-registry"):
        raise unittest.SkipTest("docker-registry is not installed (scripts/bootstrap test)")
    shared = type("Shared", (), {})()
    shared.directory = temporary()
    shared.authority = Authority(shared.directory, "ca")
    shared.registry = DockerRegistry(shared.directory, shared.authority)


def tearDownModule():
    if shared:
        shared.registry.stop()
        remove(shared.directory)


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = temporary()
        self.addCleanup(remove, self.directory)
        self.registry, self.authority = shared.registry, shared.authority
        self.repository = self.id().split(".")[-1]
        self.name = f"{self.registry.name}/{self.repository}"
        trust(self.directory, self.registry.name, self.authority)

    def client(self, **settings) -> Client:
        settings.setdefault("certificates", str(self.directory / "certs.d"))
        settings.setdefault("timeoutSeconds", 10)
        client = Client(self.directory, settings)
        self.addCleanup(client.close)
        return client


class Answers(Case):
    def test_single_manifest(self):
        image = Image("one")
        self.registry.push(self.repository, "1", image)
        answer = self.client().ask(f"{self.name}:1")
        served = answer["served"]
        self.assertEqual(served["reference"], f"{self.name}:1")
        self.assertEqual(served["digest"], image.digest)
        self.assertEqual(served["source"], "registry")
        self.assertAlmostEqual(served["verifiedAt"], time.time(), delta=30)
        self.assertEqual([m["config"] for m in served["manifests"]], [image.id])

    def test_index_fetches_what_this_host_runs(self):
        ours, other = Image("a", "amd64"), Image("b", "s390x")
        digest = self.registry.push_index(self.repository, "latest", ours, other)
        ids = self.client().ids_of(self.name)
        self.assertEqual(ids, {digest, ours.digest, ours.id, other.digest})

    def test_by_digest(self):
        image = Image("d")
        self.registry.push(self.repository, "1", image)
        client = self.client()
        self.assertEqual(client.ids_of(f"{self.name}@{image.digest}"), {image.digest, image.id})
        self.assertIn("the registry does not have it", client.ask(f"{self.name}@sha256:{'0' * 64}")["error"])

    def test_moved_tag(self):
        old, new = Image("old"), Image("new")
        self.registry.push(self.repository, "1", old)
        client = self.client(refreshSeconds=0)
        self.assertEqual(client.ids_of(f"{self.name}:1"), {old.digest, old.id})
        self.registry.push(self.repository, "1", new)
        self.assertEqual(client.ids_of(f"{self.name}:1"), {new.digest, new.id})

    def test_young_answers_are_not_asked_for_again(self):
        old, new = Image("old"), Image("new")
        self.registry.push(self.repository, "1", old)
        client = self.client(refreshSeconds=3600)
        client.ids_of(f"{self.name}:1")
        self.registry.push(self.repository, "1", new)
        self.assertEqual(client.ask(f"{self.name}:1")["served"]["source"], "cache")
        self.assertEqual(client.ids_of(f"{self.name}:1"), {old.digest, old.id})

    def test_deleted_tag_is_gone_at_once(self):
        image = Image("gone")
        self.registry.push(self.repository, "1", image)
        client = self.client(refreshSeconds=0)
        client.ids_of(f"{self.name}:1")
        self.registry.delete(self.repository, image.digest)
        answer = client.ask(f"{self.name}:1")
        self.assertEqual(answer["kind"], "gone")
        self.assertEqual(answer["error"], f"{self.registry.name}: {self.repository}:1: the registry does not have it")
        self.assertIn("not known yet", client.ask(f"{self.name}:1", cached_only=True)["error"])

    def test_cached_only_asks_nobody(self):
        image = Image("c")
        self.registry.push(self.repository, "1", image)
        client = self.client(refreshSeconds=0)
        self.assertEqual(client.ask(f"{self.name}:1", cached_only=True)["error"], f"{self.name}:1: not known yet")
        client.ids_of(f"{self.name}:1")
        self.assertEqual(client.ask(f"{self.name}:1", cached_only=True)["served"]["digest"], image.digest)

    def test_many_at_once(self):
        images = {f"{self.name}:{n}": Image(str(n)) for n in range(30)}
        for reference, image in images.items():
            self.registry.push(self.repository, reference.rsplit(":", 1)[1], image)
        client = self.client()
        asked = {client.send(reference): image for reference, image in images.items() for _ in range(3)}
        for _ in range(len(asked)):
            answer = client.receive()
            self.assertEqual(answer["served"]["digest"], asked.pop(answer["id"]).digest)
        self.assertEqual(asked, {})


class Down(Case):
    """A registry that does not answer never makes an answer, and does not unmake one within its age."""

    def setUp(self):
        super().setUp()
        self.registry = DockerRegistry(self.directory, self.authority)
        self.addCleanup(self.registry.stop)
        self.name = f"{self.registry.name}/{self.repository}"
        trust(self.directory, self.registry.name, self.authority)
        self.image = Image("x")
        self.registry.push(self.repository, "1", self.image)

    def test_last_answer_within_its_age(self):
        client = self.client(refreshSeconds=0, maxAgeSeconds=3600)
        client.ids_of(f"{self.name}:1")
        self.registry.stop()
        answer = client.ask(f"{self.name}:1")
        self.assertEqual(answer["served"]["source"], "cache")
        self.assertEqual(answer["served"]["digest"], self.image.digest)
        client.close()
        # Also a process that was started after the registry went down.
        self.assertEqual(self.client(refreshSeconds=0, maxAgeSeconds=3600).ids_of(f"{self.name}:1"),
                         {self.image.digest, self.image.id})

    def test_older_answers_do_not_count(self):
        client = self.client(refreshSeconds=0, maxAgeSeconds=1)
        client.ids_of(f"{self.name}:1")
        self.registry.stop()
        time.sleep(2.1)
        answer = client.ask(f"{self.name}:1")
        self.assertEqual(answer["kind"], "unreachable")
        self.assertRegex(answer["error"], f"^{self.registry.name}: .*Couldn't connect.*; the last answer is [2-9] "
                                          "seconds old, bulkhead.registry.maxAgeSeconds allows 1$")

    def test_nothing_known(self):
        self.registry.stop()
        client = self.client()
        started = time.monotonic()
        self.assertEqual(client.ask(f"{self.name}:1")["kind"], "unreachable")
        self.assertEqual(client.ask(f"{self.name}:1")["kind"], "unreachable")
        self.assertLess(time.monotonic() - started, 5)

    def test_answer_by_digest_does_not_age(self):
        reference = f"{self.name}@{self.image.digest}"
        client = self.client(refreshSeconds=0, maxAgeSeconds=0)
        client.ids_of(reference)
        self.registry.stop()
        self.assertEqual(client.ids_of(reference), {self.image.digest, self.image.id})

    def test_damaged_cache_is_no_answer(self):
        client = self.client(refreshSeconds=3600)
        client.ids_of(f"{self.name}:1")
        files = list((self.directory / "cache").glob("*.json"))
        self.assertEqual(len(files), 1)
        self.registry.stop()
        good = files[0].read_text()
        for damaged in ("", good[:50], good.replace(self.image.digest, "sha256:0"), good.replace(":1", ":2")):
            files[0].write_text(damaged)
            self.assertIn("error", client.ask(f"{self.name}:1"), damaged)

    def test_pins_for_hosts_without_a_network(self):
        command = [PROGRAM, "resolve", "--settings", self.directory / "settings.json", f"{self.name}:1"]
        self.client().close()  # writes the settings
        pins = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.registry.stop()
        (self.directory / "pins.json").write_text(pins)
        client = self.client(pinFile=str(self.directory / "pins.json"))
        self.assertEqual(client.ask(f"{self.name}:1")["served"]["source"], "pin")
        self.assertEqual(client.ids_of(f"{self.name}:1"), {self.image.digest, self.image.id})
        self.assertIn("error", client.ask(f"{self.name}:2"))


class Trust(Case):
    def test_unknown_authority(self):
        self.registry.push(self.repository, "1", Image("t"))
        shutil.rmtree(self.directory / "certs.d")
        error = self.client().ask(f"{self.name}:1")["error"]
        self.assertRegex(error, f"^{self.registry.name}: .*certificate.*; an authority of your own belongs in certs.d")

    def test_another_registrys_authority(self):
        self.registry.push(self.repository, "1", Image("t"))
        os.rename(self.directory / "certs.d" / self.registry.name, self.directory / "certs.d/localhost:1")
        self.assertIn("certificate", self.client().ask(f"{self.name}:1")["error"])

    def test_certificate_for_another_host(self):
        self.registry.push(self.repository, "1", Image("t"))
        name = self.registry.name.replace("localhost", "ip6-localhost")
        trust(self.directory, name, self.authority)
        self.assertIn("error", self.client().ask(f"{name}/{self.repository}:1"))

    def test_basic_credentials(self):
        password = crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
        registry = DockerRegistry(self.directory, self.authority, htpasswd=f"user:{password}\n")
        self.addCleanup(registry.stop)
        trust(self.directory, registry.name, self.authority)
        right, wrong = (base64.b64encode(text).decode() for text in (b"user:secret", b"user:wrong"))
        registry.authorization = f"Basic {right}"
        image = Image("private")
        registry.push("a", "1", image)
        reference = f"{registry.name}/a:1"
        denied = f"{registry.name}: a:1: access denied; set credentials in bulkhead.registry.credentialsFile"
        self.assertEqual(self.client().ask(reference)["error"], denied)
        file = self.directory / "credentials.json"
        for auth, expected in ((wrong, denied), (right, None)):
            file.write_text(json.dumps({"auths": {f"https://{registry.name}": {"auth": auth}}}))
            file.chmod(0o600)
            answer = self.client(credentialsFile=str(file)).ask(reference)
            self.assertEqual(answer.get("error"), expected)
        self.assertEqual(answer["served"]["digest"], image.digest)


class Confinement(Case):
    def test_process_has_no_privileges(self):
        client = self.client()
        client.ask(f"{self.name}:1", cached_only=True)
        lines = (line.split(":\t") for line in Path(f"/proc/{client.process.pid}/status").read_text().splitlines())
        status = {key: value for key, *value in ((l[0], *l[1:]) for l in lines)}
        for key in ("Uid", "Gid"):
            self.assertEqual(set(status[key][0].split()), {str(USER)}, key)
        self.assertEqual(status["Groups"][0].strip(), "")
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[key][0], 16), 0, key)
        self.assertEqual(status["NoNewPrivs"][0], "1")
        self.assertEqual(status["Seccomp"][0], "2")
        self.assertEqual(oct((self.directory / "cache").stat().st_mode & 0o777), "0o700")

    def test_only_the_guards_socket_is_open(self):
        client = self.client()
        client.ask(f"{self.name}:1", cached_only=True)
        names = [os.readlink(fd) for fd in Path(f"/proc/{client.process.pid}/fd").iterdir()]
        others = [n for n in names if n != "/dev/null" and not n.startswith("socket:")
                  and n not in (str(self.directory / "log"), str(self.directory / "cache"))]
        self.assertEqual(others, [])

    def test_ends_with_the_guard(self):
        client = self.client()
        client.ask(f"{self.name}:1", cached_only=True)
        self.assertEqual(client.close(), 0)

    def test_nonsense_from_the_guard_ends_it(self):
        for nonsense in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x01x"):
            client = self.client()
            client.socket.sendall(nonsense)
            self.assertEqual(client.process.wait(10), 1, nonsense)

    def test_root_is_refused(self):
        client = Client(self.directory, {}, user="0:0")
        self.addCleanup(client.close)
        self.assertEqual(client.process.wait(10), 1)
        self.assertIn("is root", (self.directory / "log").read_text())

    def test_killed_process_loses_nothing(self):
        image = Image("k")
        self.registry.push(self.repository, "1", image)
        client = self.client(refreshSeconds=3600)
        client.ids_of(f"{self.name}:1")
        client.process.kill()
        with self.assertRaises((EOFError, OSError)):
            client.ask(f"{self.name}:1")
        started = time.monotonic()
        self.assertEqual(self.client(refreshSeconds=3600).ask(f"{self.name}:1")["served"]["source"], "cache")
        self.assertLess(time.monotonic() - started, 1)


if __name__ == "__main__":
    unittest.main()
