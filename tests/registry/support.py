"""What the registry tests share: a local authority, the real docker-registry and a hostile one, both with TLS, images
made of a few bytes, and the guard's side of bulkhead-registry's socket."""

import hashlib
import http.server
import itertools
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("BULKHEAD_REGISTRY", ROOT / "build/bin/bulkhead-registry"))
USER = 64998  # no account: the process becomes this uid and gid

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def openssl(*words, directory):
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)


class Authority:
    """A CA in a directory of its own, with a certificate for localhost and one for a client."""

    def __init__(self, directory: Path, name: str):
        self.directory = directory / name
        self.directory.mkdir()
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
                "-subj", f"/CN=test authority {name}", directory=self.directory)
        self.issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.issue("client", "extendedKeyUsage=clientAuth")

    def issue(self, name: str, extension: str) -> None:
        (self.directory / f"{name}.ext").write_text(extension)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}", directory=self.directory)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext", directory=self.directory)

    def path(self, name: str) -> Path:
        return self.directory / name


class Image:
    """One image of one platform, of bytes that mean nothing but have their digests."""

    def __init__(self, text: str, architecture: str = "amd64"):
        self.architecture = architecture
        self.layer = text.encode()
        self.config = json.dumps({"architecture": architecture, "os": "linux", "rootfs": {
            "type": "layers", "diff_ids": [digest_of(self.layer)]}}).encode()
        self.id = digest_of(self.config)  # what the classic image store shows
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": self.descriptor(
            self.config, "application/vnd.oci.image.config.v1+json"), "layers": [self.descriptor(
                self.layer, "application/vnd.oci.image.layer.v1.tar")]}).encode()
        self.digest = digest_of(self.manifest)

    @staticmethod
    def descriptor(data: bytes, media_type: str, **more) -> dict:
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def index_of(*images: Image) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        Image.descriptor(image.manifest, MANIFEST, platform={"os": "linux", "architecture": image.architecture})
        for image in images]}).encode()


class DockerRegistry:
    """Debian's docker-registry on a port of its own."""

    def __init__(self, directory: Path, authority: Authority, htpasswd: str = "", prefix: tuple = ()):
        self.prefix = prefix  # put before commands: a network namespace
        self.port = free_port()
        self.name = f"localhost:{self.port}"
        self.authority, self.process = authority, None
        self.directory = Path(tempfile.mkdtemp(prefix="store-", dir=directory))
        self.authorization = None
        configuration = {"version": "0.1", "log": {"level": "error"},
                         "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")},
                                     "delete": {"enabled": True}},
                         "http": {"addr": f"127.0.0.1:{self.port}", "tls": {
                             "certificate": str(authority.path("server.crt")), "key": str(authority.path("server.key"))}}}
        if htpasswd:
            (self.directory / "htpasswd").write_text(htpasswd)
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(self.directory / "htpasswd")}}
        (self.directory / "config.yml").write_text(json.dumps(configuration))  # JSON is YAML
        self.start()

    def start(self) -> None:
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([*self.prefix, "docker-registry", "serve", self.directory / "config.yml"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(100):
            if self.is_up():
                return
            time.sleep(0.1)
        raise RuntimeError((self.directory / "log").read_text())

    def is_up(self) -> bool:
        if self.prefix:
            connect = f"import socket; socket.create_connection(('127.0.0.1', {self.port}))"
            return subprocess.run([*self.prefix, "python3", "-c", connect], capture_output=True).returncode == 0
        try:
            self.call("GET", "/v2/")
            return True
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def call(self, method: str, path: str, data: bytes = None, **headers):
        url = path if path.startswith("https:") else f"https://{self.name}{path}"
        request = urllib.request.Request(url, data=data, method=method)
        for key, value in headers.items():
            request.add_header(key.replace("_", "-"), value)
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        context = ssl.create_default_context(cafile=self.authority.path("ca.crt"))
        try:
            return urllib.request.urlopen(request, context=context, timeout=10)
        except urllib.error.HTTPError as error:
            if error.code == 401:  # up, and asks who we are
                return error
            raise

    def push_blob(self, repository: str, data: bytes) -> None:
        location = self.call("POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]
        separator = "&" if "?" in location else "?"
        self.call("PUT", f"{location}{separator}digest={digest_of(data)}", data, Content_Type="application/octet-stream")

    def push_manifest(self, repository: str, tag: str, data: bytes, media_type: str) -> None:
        self.call("PUT", f"/v2/{repository}/manifests/{tag}", data, Content_Type=media_type)

    def push(self, repository: str, tag: str, image: Image) -> None:
        self.push_blob(repository, image.layer)
        self.push_blob(repository, image.config)
        self.push_manifest(repository, tag, image.manifest, MANIFEST)

    def push_index(self, repository: str, tag: str, *images: Image) -> str:
        for image in images:
            self.push(repository, image.digest, image)
        index = index_of(*images)
        self.push_manifest(repository, tag, index, INDEX)
        return digest_of(index)

    def delete(self, repository: str, digest: str) -> None:
        self.call("DELETE", f"/v2/{repository}/manifests/{digest}")


class FakeRegistry:
    """An HTTPS server whose every answer is the test's: `answer(request) -> (status, headers, body)`; a body may be an
    iterator of pieces, sent as they come."""

    def __init__(self, authority: Authority, answer, client_authority: Authority = None):
        self.requests = []  # (method, path, headers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((self.command, self.path, self.headers))
                status, headers, body = answer(self)
                self.send_response(status)
                pieces = [body] if isinstance(body, bytes) else body
                if isinstance(body, bytes) and "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                elif not isinstance(body, bytes):
                    self.send_header("Connection", "close")
                    self.close_connection = True
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()
                try:
                    for piece in pieces if self.command == "GET" else ():
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # clients that hang up are what is tested
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.path("server.crt"), authority.path("server.key"))
        if client_authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority.path("ca.crt"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.name = f"localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Client:
    """bulkhead-registry serving, with the guard's end of its socket."""

    def __init__(self, directory: Path, registry: dict, user: str = f"{USER}:{USER}", prefix: tuple = ()):
        self.settings = directory / "settings.json"
        self.settings.write_text(json.dumps({"bulkhead": {"registry": registry}}))
        self.cache = directory / "cache"
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(60)
        self.log = open(directory / "log", "ab")
        self.process = subprocess.Popen(
            [*prefix, PROGRAM, "serve", "--settings", self.settings, "--socket-fd", str(theirs.fileno()), "--cache", self.cache,
             "--user", user], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        theirs.close()
        self.ids = itertools.count(1)

    def send(self, reference: str, cached_only: bool = False) -> int:
        number = next(self.ids)
        text = json.dumps({"id": number, "reference": reference, "cachedOnly": cached_only}).encode()
        self.socket.sendall(struct.pack(">I", len(text)) + text)
        return number

    def receive(self) -> dict:
        return json.loads(self.exactly(struct.unpack(">I", self.exactly(4))[0]))

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError("bulkhead-registry has hung up")
            data += piece
        return data

    def ask(self, reference: str, cached_only: bool = False) -> dict:
        number = self.send(reference, cached_only)
        answer = self.receive()
        assert answer["id"] == number
        return answer

    def ids_of(self, reference: str) -> set:
        """Every image id that the answer vouches for."""
        answer = self.ask(reference)
        assert "served" in answer, answer
        served = answer["served"]
        found = {served["digest"]}
        for manifest in served["manifests"]:
            found |= {manifest.get("digest"), manifest.get("config")}
        return found - {None}

    def close(self) -> int:
        self.socket.close()
        self.log.close()
        return self.process.wait(10)


def temporary() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="bulkhead-registry-", dir="/var/tmp"))
    directory.chmod(0o711)  # the process's user must reach its cache
    return directory


def remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def trust(directory: Path, name: str, authority: Authority, client: bool = False) -> None:
    """certs.d of a registry."""
    folder = directory / "certs.d" / name
    folder.mkdir(parents=True)
    shutil.copy(authority.path("ca.crt"), folder / "ca.crt")
    if client:
        shutil.copy(authority.path("client.crt"), folder / "client.cert")
        shutil.copy(authority.path("client.key"), folder / "client.key")
        (folder / "client.key").chmod(0o600)
