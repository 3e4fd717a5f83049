"""G12: the same script of CLI commands straight to the engine and through the guard: the same output, the same codes."""

import os
import re
import unittest

import support
from support import CLIENTS, IMAGE

engine = guard = None
VOLATILE = (  # what differs from one run to the next also without a guard
    (r"sha256:[0-9a-f]{64}", "DIGEST"), (r"\b[0-9a-f]{64}\b", "ID"), (r"\b[0-9a-f]{12}\b", "ID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*( ?[+-]\d{4} \w+|Z|[+-]\d\d:\d\d)?", "TIME"),
    (r"(Less than a second|About a minute|\d+ (second|minute)s?)( ago)?", "AGO"), (r"bulkhead-engine-\w+", "ENGINE"),
    (r"\b(02:42|[0-9a-f]{2}:[0-9a-f]{2})(:[0-9a-f]{2}){4}\b", "MAC"), (r"\b\d+\.?\d*(B|kB|MB|GB|KiB|MiB|GiB|%)", "SIZE"),
    (r"(docker|guard)\.sock", "SOCKET"), (r'"(Pid|StartedAt|FinishedAt|Size\w*|NFd|NGoroutines|NEventsListener)": ?[^,\n]*', "N"),
    (r"docker-import-\d+", "IMPORT"), 
    # the CLI's race with itself: it gives up waiting for a container that did not start
    (r'(?m)^time=.*error waiting for container: context canceled"$', ""),
    (r" +", " "), (r"(?m)^\d+ sleep$", "PID sleep"),
)


def script():
    """One command a row, but for what policy refuses and for errors that name a paused container: the engine then says the
    id, which the guard has put for the name. Names are the same in both runs, everything is removed at the end."""
    run = ["run", "-d", "--name", "one", "--label", "a=1", "-e", "A=b", "-p", "127.0.0.1:18080:80", "--memory", "64m", "-v", "v1:/data",
           "--restart", "on-failure:3", "--cap-drop", "ALL", "--ulimit", "nofile=100:200", "--tmpfs", "/t", "--hostname", "h", IMAGE,
           "sh", "-c", "echo started; sleep 1000"]
    yield from (w if isinstance(w, list) else w.split() for w in (
        "version --format {{.Server.Version}}", "info --format {{.DefaultRuntime}}", "ps", "ps -a", "images", "images -q --no-trunc",
        "volume create v1", "volume create --label x=y v2", "volume ls", "volume inspect v1", "volume inspect none", "network ls",
        "network create n1", "network create --driver bridge --subnet 10.99.0.0/24 --label l=1 n2", "network inspect n1 --format {{.Driver}}",
        "network create n1", run, run, "ps --format {{.Names}},{{.Image}},{{.Status}},{{.Ports}}", "ps -q --filter label=a=1 --no-trunc",
        "inspect one --format {{json\x20.Config}}", "inspect one --format {{json\x20.HostConfig.RestartPolicy}}",
        "inspect one --format {{json\x20.NetworkSettings.Ports}}", "inspect none", "logs one", "logs --tail 1 one", "top one -o pid,comm",
        "port one", "diff one", "exec one env", "exec -w /tmp -u 1000 one id", "exec one sh -c exit\x204", "exec -d one true",
        "exec none true", "stats --no-stream --format {{.Name}} one", "network connect --alias al n1 one", "network inspect n1 --format {{len\x20.Containers}}",
        "network disconnect n1 one", "network rm n1", "network rm n1", "pause one", "unpause one", "rename one two",
        "rename one three", "update --memory 128m --memory-swap 128m two", "update --cpus 0.5 two", "inspect two --format {{.HostConfig.Memory}}",
        "cp two:/etc/passwd -", "cp two:/no/such -", "commit -m message -a author two com:1", "image inspect com:1 --format {{.Comment}}",
        "history com:1 --format {{.Comment}}", "tag com:1 com:2", "tag none:1 com:3", "rmi com:2", "rmi com:1", "rmi none:1", "stop -t 0 two",
        "start two", "restart -t 0 two", "kill -s TERM two", "kill -s KILL two", "wait two", "kill two", "start -a nothing", "rm two", "rm two",
        "run --rm --read-only " + IMAGE + " touch /x", "run --rm --user 1000:1000 " + IMAGE + " id", "run --rm --entrypoint echo " + IMAGE + " a b",
        "run --rm --init " + IMAGE + " ps", "run --rm --network none " + IMAGE + " ip -o link", "run --rm -w /tmp " + IMAGE + " pwd",
        "run --rm --network nonet " + IMAGE + " true", "run --rm " + IMAGE + " nosuchprogram", "run --rm -v v2:/x:ro " + IMAGE + " touch /x/a",
        "run --rm --mount type=tmpfs,dst=/m " + IMAGE + " df /m", "run --rm --mount type=volume,src=v2,dst=/m " + IMAGE + " ls /m",
        "run --rm --shm-size 1m " + IMAGE + " df /dev/shm", "run --rm --sysctl net.ipv4.ip_forward=0 " + IMAGE + " cat /proc/sys/net/ipv4/ip_forward",
        "run --rm --dns 1.2.3.4 --add-host h:1.1.1.1 " + IMAGE + " cat /etc/resolv.conf", "run --rm -t " + IMAGE + " tty",
        "run --rm --log-driver none " + IMAGE + " echo x", "run --rm --log-driver local " + IMAGE + " echo x", "run --rm --privileged " + IMAGE + " id",
        "run --rm --pids-limit 50 " + IMAGE + " echo x", "run --rm --cpus 1 --cpu-shares 10 --oom-score-adj 500 " + IMAGE + " echo x",
        "run --rm --stop-signal INT --stop-timeout 1 " + IMAGE + " echo x", "run --rm --health-cmd true --health-interval 1s " + IMAGE + " echo x",
        "run --rm --group-add 10 --security-opt no-new-privileges " + IMAGE + " id", "run --rm --ipc private --pid container:none " + IMAGE + " true",
        "create --name cr --env-file /dev/null " + IMAGE + " true", "start -a cr", "container ls -a --format {{.Names}}", "container prune -f",
        "image ls --format {{.Repository}}", "image prune -f", "volume rm v1", "volume rm v2", "volume rm v2", "volume prune -f", "network rm n2",
        "network prune -f", "system df --format {{.Type}}", "system info --format {{.Driver}}", "builder prune -f", "search --limit 0 x",
        "plugin ls", "node ls", "service ls", "secret ls", "events --since 0 --until 1", "save none:1", "load -i /dev/null",
        "import /no/such", "pull --quiet localhost:1/none", "push localhost:1/none", "login localhost:1 -u a -p b", "attach none", "export none",
    ))


def normal(text: str) -> str:
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    return "\n".join(sorted(filter(None, text.strip().splitlines())))  # docker diff has no order of its own


def setUpModule():
    global engine, guard
    engine, guard = support.start()


def tearDownModule():
    support.stop()


class Transparency(unittest.TestCase):
    maxDiff = 2000

    def play(self, through, cli):
        return [(words, done.returncode, normal(done.stdout), normal(done.stderr))
                for words in script() for done in [through.docker(*words, cli=cli, check=False, timeout=60)]]

    def test_the_same_with_and_without(self):
        for cli in CLIENTS:
            direct, guarded = self.play(engine, cli), self.play(guard, cli)
            self.assertGreater(len(direct), 100)
            self.assertGreater(sum(row[1] == 0 for row in direct), 80, "most of it works")
            for (words, *expected), (_words, *found) in zip(direct, guarded):
                with self.subTest(cli=os.path.basename(os.path.dirname(cli)), command=" ".join(words)):
                    self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
