"""bulkhead-registry against servers that lie, stall, send too much, send it elsewhere or want secrets."""

import base64
import gzip
import json
import os
import time
import unittest
from urllib.parse import parse_qs, urlsplit

from support import (DOCKER_MANIFEST, INDEX, MANIFEST, PROGRAM, Authority, Client, FakeRegistry, Image, digest_of,
                     index_of, remove, temporary, trust)

shared = None
IMAGE = Image("good")


def setUpModule():
    global shared
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM} is not there: build it first")
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: the process changes its user")
    shared = type("Shared", (), {})()
    shared.directory = temporary()
    shared.authority, shared.other = (Authority(shared.directory, name) for name in ("ca", "other"))


def tearDownModule():
    if shared:
        remove(shared.directory)


def manifest(body: bytes = IMAGE.manifest, media_type: str = MANIFEST, **headers):
    return 200, {"Content-Type": media_type, **{k.replace("_", "-"): v for k, v in headers.items()}}, body


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = temporary()
        self.addCleanup(remove, self.directory)

    def fake(self, answer, **settings) -> FakeRegistry:
        fake = FakeRegistry(shared.authority, answer, **settings)
        self.addCleanup(fake.close)
        return fake

    def client(self, *names, client: bool = False, **settings) -> Client:
        for name in names:
            if not (self.directory / "certs.d" / name).exists():
                trust(self.directory, name, shared.authority, client)
        client = Client(self.directory, {"certificates": str(self.directory / "certs.d"), "timeoutSeconds": 5,
                                         "refreshSeconds": 0, **settings})
        self.addCleanup(client.close)
        return client

    def credentials(self, secrets: dict) -> str:
        file = self.directory / "credentials.json"
        file.write_text(json.dumps({"auths": {name: {"auth": base64.b64encode(text).decode()}
                                              for name, text in secrets.items()}}))
        return str(file)

    def error_for(self, answer) -> str:
        """What is said of a registry that answers so."""
        fake = self.fake(answer)
        response = self.client(fake.name).ask(f"{fake.name}/a:1")
        self.assertNotIn("served", response)
        return response["error"].replace(fake.name, "REGISTRY")


class Lies(Case):
    def test_truth_first(self):
        fake = self.fake(lambda _: manifest(Docker_Content_Digest=IMAGE.digest))
        self.assertEqual(self.client(fake.name).ids_of(f"{fake.name}/a:1"), {IMAGE.digest, IMAGE.id})

    def test_content_is_not_what_the_digest_says(self):
        error = self.error_for(lambda _: manifest(Docker_Content_Digest="sha256:" + "0" * 64))
        self.assertEqual(error, f"REGISTRY: a:1: the content has the digest {IMAGE.digest}, not sha256:{'0' * 64}")

    def test_other_content_for_a_digest(self):
        fake = self.fake(lambda _: manifest())
        error = self.client(fake.name).ask(f"{fake.name}/a@{Image('evil').digest}")["error"]
        self.assertIn(f"the content has the digest {IMAGE.digest}, not", error)

    def test_other_content_for_a_platform(self):
        index = index_of(IMAGE)

        def answer(request):
            return manifest(index, INDEX) if request.path.endswith("/1") else manifest(Image("evil").manifest)
        self.assertIn(f"not {IMAGE.digest}", self.error_for(answer))

    def test_documents_of_two_kinds(self):
        both = json.dumps({**json.loads(IMAGE.manifest), "manifests": []}).encode()
        self.assertIn("has not what belongs there alone", self.error_for(lambda _: manifest(both)))
        self.assertIn("calls itself", self.error_for(lambda _: manifest(media_type=DOCKER_MANIFEST)))
        self.assertIn("is no manifest or index", self.error_for(lambda _: manifest(media_type="text/html")))
        self.assertIn("schema 1", self.error_for(
            lambda _: manifest(b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws")))

    def test_index_in_an_index(self):
        inner = index_of(IMAGE)
        outer = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            Image.descriptor(inner, MANIFEST, platform={"os": "linux", "architecture": "amd64"})]}).encode()

        def answer(request):
            return manifest(outer if request.path.endswith("/1") else inner, INDEX)
        self.assertIn("is an index within an index", self.error_for(answer))

    def test_head_that_lies_gains_nothing(self):
        """After the tag has moved, HEAD may repeat the old digest: then the old content stays the answer, which had been
        verified; nothing new can be slipped in that way."""
        evil = Image("evil")
        state = {"image": IMAGE}

        def answer(request):
            if request.command == "HEAD":
                return manifest(Docker_Content_Digest=IMAGE.digest)
            return manifest(state["image"].manifest)
        fake = self.fake(answer)
        client = self.client(fake.name)
        self.assertEqual(client.ids_of(f"{fake.name}/a:1"), {IMAGE.digest, IMAGE.id})
        state["image"] = evil
        self.assertEqual(client.ids_of(f"{fake.name}/a:1"), {IMAGE.digest, IMAGE.id})

    def test_broken_documents(self):
        for body in (b"", b"{", b"[]", b"null", b'{"schemaVersion":2}', b'{"schemaVersion":1,"config":{},"layers":[]}',
                     IMAGE.manifest + b"x", IMAGE.manifest.replace(b"sha256:", b"sha512:"), gzip.compress(IMAGE.manifest),
                     b"\xff" * 100, b"[" * 100000):
            self.assertTrue(self.error_for(lambda _, body=body: manifest(body)), body[:40])


class Floods(Case):
    def test_giant_answer(self):
        def pieces():
            while True:
                yield b" " * 65536
        started = time.monotonic()
        error = self.error_for(lambda _: (200, {"Content-Type": MANIFEST}, pieces()))
        self.assertEqual(error, "REGISTRY: the answer is longer than the limit of 4194304 bytes")
        self.assertLess(time.monotonic() - started, 5)

    def test_giant_promise(self):
        error = self.error_for(lambda _: (200, {"Content-Type": MANIFEST, "Content-Length": str(1 << 40)}, b""))
        self.assertEqual(error, "REGISTRY: the answer is longer than the limit of 4194304 bytes")

    def test_giant_header(self):
        error = self.error_for(lambda _: manifest(X="y" * 200000))
        self.assertIn("REGISTRY: ", error)

    def test_slow_loris_holds_up_nobody_else(self):
        def drip():
            while True:
                time.sleep(0.3)
                yield b" "
        slow = self.fake(lambda _: (200, {"Content-Type": MANIFEST}, drip()))
        good = self.fake(lambda _: manifest())
        client = self.client(slow.name, good.name, timeoutSeconds=3)
        started = time.monotonic()
        first = client.send(f"{slow.name}/a:1")
        client.send(f"{good.name}/a:1")
        self.assertEqual(client.receive()["served"]["digest"], IMAGE.digest)
        self.assertLess(time.monotonic() - started, 1.5)
        answer = client.receive()
        self.assertEqual((answer["id"], answer["error"]),
                         (first, f"{slow.name}: no answer in time (bulkhead.registry.timeoutSeconds)"))
        self.assertLess(time.monotonic() - started, 4.5)

    def test_many_slow_registries(self):
        def never():
            time.sleep(60)
            yield b""
        slow = self.fake(lambda _: (200, {"Content-Type": MANIFEST}, never()))
        client = self.client(slow.name, timeoutSeconds=2)
        sent = {client.send(f"{slow.name}/a:{n}") for n in range(300)}
        busy = [client.receive() for _ in range(44)]  # more than wait at a time: an answer at once
        self.assertTrue(all("are waiting for registries" in answer["error"] for answer in busy))
        self.assertEqual(len({answer["id"] for answer in busy} & sent), 44)
        self.assertIsNone(client.process.poll())

    def test_index_of_many_platforms(self):
        images = [Image(str(n)) for n in range(40)]
        by_digest = {image.digest: image for image in images}

        def answer(request):
            name = request.path.rsplit("/", 1)[1]
            return manifest(by_digest[name].manifest) if name in by_digest else manifest(index_of(*images), INDEX)
        fake = self.fake(answer)
        served = self.client(fake.name).ask(f"{fake.name}/a:1")["served"]
        self.assertEqual(len([m for m in served["manifests"] if m.get("config")]), 16)
        self.assertEqual(len(fake.requests), 17)


class Redirects(Case):
    def test_within_https(self):
        good = self.fake(lambda _: manifest())
        fake = self.fake(lambda _: (307, {"Location": f"https://{good.name}/elsewhere"}, b""))
        self.assertEqual(self.client(fake.name, good.name).ids_of(f"{fake.name}/a:1"), {IMAGE.digest, IMAGE.id})

    def test_nowhere_else(self):
        for target in ("http://localhost/", "file:///etc/passwd", "ftp://localhost/", "https://user@localhost/", ""):
            error = self.error_for(lambda _, target=target: (302, {"Location": target}, b""))
            self.assertIn("REGISTRY", error, target)

    def test_in_circles(self):
        fake = self.fake(lambda request: (302, {"Location": request.path}, b""))
        error = self.client(fake.name).ask(f"{fake.name}/a:1")["error"]
        self.assertEqual(error, f"{fake.name}: more than 3 redirects")
        self.assertEqual(len(fake.requests), 4)

    def test_no_secret_and_no_certificate_for_the_other_host(self):
        other = self.fake(lambda request: (401, {"WWW-Authenticate": "Basic realm=x"}, b"")
                          if not request.headers["Authorization"] else manifest())
        fake = self.fake(lambda request: (302, {"Location": f"https://{other.name}/x"}, b"")
                         if request.headers["Authorization"] else (401, {"WWW-Authenticate": "Basic realm=x"}, b""))
        client = self.client(fake.name, other.name, credentialsFile=self.credentials({fake.name: b"user:secret"}))
        self.assertIn("access denied", client.ask(f"{fake.name}/a:1")["error"])
        self.assertEqual(len(other.requests), 1)
        self.assertIsNone(other.requests[0][2]["Authorization"])


class Tokens(Case):
    """The token flow of distribution registries."""

    def token_server(self, password: bytes = b"", token: str = "t0ken", **answer):
        def serve(request):
            query = parse_qs(urlsplit(request.path).query)
            expected = "Basic " + base64.b64encode(password).decode() if password else None
            if request.headers["Authorization"] != expected:
                return 401, {}, b"{}"
            self.queries.append(query)
            return 200, {"Content-Type": "application/json"}, json.dumps(answer or {"token": token}).encode()
        self.queries = []
        return self.fake(serve)

    def registry(self, realm: str, token: str = "t0ken"):
        def serve(request):
            if request.headers["Authorization"] == f"Bearer {token}":
                return manifest()
            challenge = f'Bearer realm="{realm}",service="the registry",scope="repository:a:pull,push"'
            return 401, {"WWW-Authenticate": challenge}, b"{}"
        return self.fake(serve)

    def test_anonymous(self):
        tokens = self.token_server()
        fake = self.registry(f"https://{tokens.name}/token?x=1")
        client = self.client(fake.name, tokens.name)
        self.assertEqual(client.ids_of(f"{fake.name}/a:1"), {IMAGE.digest, IMAGE.id})
        self.assertEqual(self.queries, [{"x": ["1"], "service": ["the registry"], "scope": ["repository:a:pull"]}])

    def test_with_password(self):
        tokens = self.token_server(b"user:secret")
        fake = self.registry(f"https://{tokens.name}/token")
        reference = f"{fake.name}/a:1"
        error = self.client(fake.name, tokens.name).ask(reference)["error"]
        self.assertIn(f"the token server of {fake.name} answers with status 401", error)
        client = self.client(fake.name, tokens.name, credentialsFile=self.credentials({fake.name: b"user:secret"}))
        self.assertEqual(client.ids_of(reference), {IMAGE.digest, IMAGE.id})

    def test_access_token(self):
        tokens = self.token_server(access_token="other", expires_in=60)
        fake = self.registry(f"https://{tokens.name}/token", token="other")
        self.assertIn("served", self.client(fake.name, tokens.name).ask(f"{fake.name}/a:1"))

    def test_bad_realms_and_tokens(self):
        for realm in ("http://localhost/token", "file:///etc/passwd", "https://", "gopher://x"):
            fake = self.registry(realm)
            self.assertIn("token server", self.client(fake.name).ask(f"{fake.name}/a:1")["error"], realm)
        for answer in ({"token": "a\r\nX: y"}, {"token": ""}, {"token": 1}, {"nothing": 1}):
            tokens = self.token_server(**answer)
            fake = self.registry(f"https://{tokens.name}/token")
            self.assertIn(f"{tokens.name}: token: ", self.client(fake.name, tokens.name).ask(f"{fake.name}/a:1")["error"])

    def test_refused_token_is_not_asked_for_for_ever(self):
        tokens = self.token_server()
        fake = self.registry(f"https://{tokens.name}/token", token="another")
        self.assertIn("access denied", self.client(fake.name, tokens.name).ask(f"{fake.name}/a:1")["error"])
        self.assertEqual((len(fake.requests), len(tokens.requests)), (2, 1))


class Certificates(Case):
    def test_client_certificate(self):
        fake = self.fake(lambda _: manifest(), client_authority=shared.authority)
        self.assertIn("error", self.client(fake.name).ask(f"{fake.name}/a:1"))
        remove(self.directory / "certs.d")
        self.assertIn("served", self.client(fake.name, client=True).ask(f"{fake.name}/a:1"))

    def test_client_certificate_without_key(self):
        fake = self.fake(lambda _: manifest())
        trust(self.directory, fake.name, shared.authority, client=True)
        (self.directory / "certs.d" / fake.name / "client.key").unlink()
        client = self.client(fake.name)
        self.assertEqual(client.process.wait(10), 1)
        self.assertIn("the key of client.cert", (self.directory / "log").read_text())


class MirrorsAndProxies(Case):
    def test_mirror_first_registry_last(self):
        mirror = self.fake(lambda request: (404, {}, b"") if request.path.endswith("/2") else manifest())
        fake = self.fake(lambda _: manifest())
        client = self.client(fake.name, mirror.name, mirrors={fake.name: [f"https://{mirror.name}/prefix"]})
        self.assertIn("served", client.ask(f"{fake.name}/a:1"))
        self.assertEqual([r[1] for r in mirror.requests], ["/prefix/v2/a/manifests/1"])
        self.assertEqual(fake.requests, [])
        self.assertIn("served", client.ask(f"{fake.name}/a:2"))
        self.assertEqual([r[1] for r in fake.requests], ["/v2/a/manifests/2"])

    def test_environment_names_no_proxy(self):
        fake = self.fake(lambda _: manifest())
        os.environ["HTTPS_PROXY"] = "http://127.0.0.1:1"
        self.addCleanup(os.environ.pop, "HTTPS_PROXY")
        self.assertIn("served", self.client(fake.name).ask(f"{fake.name}/a:1"))

    def test_proxy_is_used(self):
        fake = self.fake(lambda _: manifest())
        client = self.client(fake.name, proxy="http://127.0.0.1:1")
        self.assertIn("127.0.0.1", client.ask(f"{fake.name}/a:1")["error"])
        client = self.client(fake.name, proxy="http://127.0.0.1:1", noProxy="localhost")
        self.assertIn("served", client.ask(f"{fake.name}/b:1"))


if __name__ == "__main__":
    unittest.main()
