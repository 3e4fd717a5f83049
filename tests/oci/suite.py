"""Obtains the OCI runtime-tools validation suite: a Go module of fixed version, checked against go.sum.

Nothing of the suite lies in this repository. The ordinary Go client fetches the module into a cache below
build/, builds its validation programs and `runtimetest`, and a later run finds them there.
"""

import os
import shutil
import subprocess

MODULE = "github.com/opencontainers/runtime-tools"
HERE = os.path.dirname(os.path.abspath(__file__))


class Unavailable(Exception):
    """The suite cannot be had on this machine; the text says why."""


def find_go():
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise Unavailable("no Go compiler (apt-get install golang-go)")


def go(cache, *args):
    """Runs the Go client on tests/oci/go.mod, everything that it writes below `cache`."""
    work = os.path.join(cache, "module")
    os.makedirs(work, exist_ok=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(os.path.join(HERE, name), work)
    # Go's own defaults for proxy and checksum database stay in force; -modcacherw lets rm -rf build work.
    environment = dict(os.environ, GOFLAGS="-mod=mod -modcacherw", GOMODCACHE=os.path.join(cache, "mod"),
                       GOCACHE=os.path.join(cache, "gocache"), GOTOOLCHAIN="local", CGO_ENABLED="0")
    done = subprocess.run([find_go(), *args], cwd=work, env=environment, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1200)
    if done.returncode:
        raise Unavailable(f"go {args[0]} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def obtain(cache):
    """Returns (directory of the programs, their names, the rootfs archive); raises Unavailable."""
    bin_dir = os.path.join(cache, "bin")
    folder = os.path.join(cache, "rootfs")
    stamp = os.path.join(cache, "stamp")
    wanted = read(os.path.join(HERE, "go.mod")) + read(os.path.join(HERE, "go.sum"))
    if not os.path.exists(stamp) or read(stamp) != wanted:
        os.makedirs(bin_dir, exist_ok=True)
        os.makedirs(folder, exist_ok=True)
        source = go(cache, "list", "-m", "-f", "{{.Dir}}", MODULE).strip()
        if not source:
            go(cache, "mod", "download", MODULE)
            source = go(cache, "list", "-m", "-f", "{{.Dir}}", MODULE).strip()
        go(cache, "build", "-o", bin_dir + "/", f"{MODULE}/validation/...", f"{MODULE}/cmd/runtimetest")
        shutil.copy(os.path.join(source, "rootfs-amd64.tar.gz"), folder)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    names = sorted(name for name in os.listdir(bin_dir) if name != "runtimetest")
    return bin_dir, names, os.path.join(folder, "rootfs-amd64.tar.gz")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
