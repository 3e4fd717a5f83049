"""Bundles run by the runtime itself, without an engine: what an engine would never ask for."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import support

BULKHEAD = support.BULKHEAD
CANARY = "canary"


def remove_groups():
    """The parent of the bundles' cgroups; v1 takes a moment to let go of a removed child."""
    for group in Path("/sys/fs/cgroup").glob("*/bulkhead-escape"):
        for _ in range(50):
            try:
                group.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                if any(child.is_dir() for child in group.iterdir()):
                    break  # another bundle's
                time.sleep(0.02)


class Bundle:
    """with Bundle() as bundle: bundle.config[...] = ...; bundle.run()"""

    count = 0

    def __init__(self):
        Bundle.count += 1
        self.path = Path(tempfile.mkdtemp(prefix="bulkhead-bundle-", dir="/var/tmp"))
        try:
            self.make()
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def make(self):
        self.rootfs = self.path / "rootfs"
        support.engines.busybox_rootfs(self.rootfs)
        (self.rootfs / "escape").mkdir()
        for program in support.PROGRAMS.iterdir():
            shutil.copy(program, self.rootfs / "escape")
        self.path.chmod(0o755)
        self.state = self.path / "state"
        self.id = f"escape-{os.getpid()}-{Bundle.count}"
        # A directory of the host that nothing of a container may ever reach.
        self.outside = self.path / "outside"
        self.outside.mkdir()
        (self.outside / CANARY).write_text(CANARY)
        subprocess.run([BULKHEAD, "spec", "--bundle", self.path], check=True)
        self.config = json.loads((self.path / "config.json").read_text())
        self.config["process"]["terminal"] = False
        self.config["root"]["readonly"] = False
        self.config["linux"]["cgroupsPath"] = f"/bulkhead-escape/{self.id}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.runtime("delete", "--force", self.id)
        support.engines.unmount_below(self.path)
        shutil.rmtree(self.path, ignore_errors=True)
        remove_groups()

    def runtime(self, *words, **options):
        options.setdefault("timeout", 60)
        return subprocess.run([str(word) for word in (BULKHEAD, "--root", self.state, *words)], capture_output=True,
                              text=True, errors="replace", check=False, stdin=subprocess.DEVNULL, **options)

    def save(self):
        (self.path / "config.json").write_text(json.dumps(self.config))

    def command(self, *words):
        self.config["process"]["args"] = list(words)

    def bind(self, source, target, *options):
        self.config["mounts"].append({"destination": target, "type": "bind", "source": str(source),
                                      "options": ["bind", *options]})

    def drop_mounts(self, *targets):
        self.config["mounts"] = [mount for mount in self.config["mounts"] if mount["destination"] not in targets]

    def run(self, *words, **options):
        if words:
            self.command(*words)
        self.save()
        return self.runtime("run", "--bundle", self.path, self.id, **options)

    def create(self):
        self.save()
        # Not through pipes: the container's init would keep them open.
        with open(self.path / "log", "w+") as log:
            done = subprocess.run([str(BULKHEAD), "--root", str(self.state), "create", "--bundle", str(self.path), self.id],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=60)
            log.seek(0)
            done.stderr = log.read()
        return done

    def delete(self):
        return self.runtime("delete", "--force", self.id)

    def outside_is_untouched(self):
        return os.listdir(self.outside) == [CANARY] and (self.outside / CANARY).read_text() == CANARY
