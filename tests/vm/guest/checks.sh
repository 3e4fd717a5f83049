# What Docker promises with any runtime, whatever the cgroup driver.

check_run_options() {
  must_run -u www-data -w /tmp -e GREETING=hi --hostname smoke --read-only --tmpfs /scratch --init "$image" sh -c \
    'touch /scratch/a; touch /b 2>/dev/null || echo "$(id -u) $(pwd) $GREETING $(hostname) read-only $(cat /proc/1/comm)"'
  equal output "33 /tmp hi smoke read-only docker-init" "$out"
  run "$image" /etc/passwd
  equal "exit code" 126 "$code"
}

check_terminal() {
  must_run -t "$image" tty
  matches terminal '^/dev/(pts/[0-9]+|console)' "$out"
  show sh -c "echo through | docker run --rm -i --network none $image cat"
  equal "standard input" through "$out"
}

check_copy() {
  box
  echo from-host >/tmp/smoke-in
  chown 33:33 /tmp/smoke-in
  must docker cp -a /tmp/smoke-in box:/tmp/in
  must_in_box sh -c 'cat /tmp/in; stat -c %u:%g /tmp/in; echo from-container >/tmp/out; chown 1000:1000 /tmp/out'
  equal "file inside" $'from-host\n33:33' "$out"
  must sh -c 'docker cp box:/tmp/out - | tar -tv --numeric-owner'
  matches "owner outside" '1000/1000 ' "$out"
  must docker stop -t 0 box
  must docker cp box:/tmp/out /tmp/smoke-out
  equal "file outside" from-container "$(cat /tmp/smoke-out)"
  must docker diff box
  matches diff "A /tmp/out" "$out"
  rm -f /tmp/smoke-in /tmp/smoke-out
}

check_restart() {
  box
  must_in_box touch /kept
  must docker restart -t 0 box
  must_in_box ls /kept
  must docker top box
  matches processes "sleep 1000" "$out"
}

check_apparmor() {
  box
  must_in_box cat /proc/1/attr/current /proc/self/attr/current
  equal "profile of init and of exec" $'docker-default (enforce)\ndocker-default (enforce)' "$out"
  must_run --security-opt apparmor=unconfined "$image" cat /proc/self/attr/current
  equal "profile asked for" unconfined "$out"
  # A profile of its own, to see that any name goes through, and that the kernel enforces it.
  printf 'profile smoke-deny flags=(attach_disconnected) {\n file,\n capability,\n deny /etc/passwd r,\n}\n' | apparmor_parser -r
  run --security-opt apparmor=smoke-deny "$image" sh -c 'cat /proc/self/attr/current; cat /etc/passwd'
  matches "own profile" 'smoke-deny \(enforce\).*Permission denied' "$out"
  run --security-opt apparmor=no-such-profile "$image" true
  [ "$code" != 0 ] || fail "a profile that is not loaded was accepted"
}

check_seccomp() {
  run "$image" sh -c 'grep Seccomp: /proc/self/status; unshare -U true'
  matches "default profile" $'Seccomp:\t2' "$out"
  matches "a call that it denies" 'Operation not permitted' "$out"
  echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30}]}' >/tmp/profile.json
  run --security-opt seccomp=/tmp/profile.json "$image" mkdir /x
  matches "own profile" "Read-only file system" "$out"
}

check_capabilities() {
  must_run --cap-drop ALL --cap-add NET_RAW --cap-add CHOWN --security-opt no-new-privileges "$image" grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status
  equal status $'CapEff:\t0000000000002001\nCapBnd:\t0000000000002001\nNoNewPrivs:\t1' "$out"
}

# Docker 20.10 names the 38 capabilities that it knows, newer engines all 41.
check_privileged() {
  must_run --privileged "$image" sh -c 'grep CapEff /proc/self/status; cat /proc/self/attr/current;
    mount -t tmpfs tmpfs /mnt && mount -o remount,ro /mnt /mnt && grep " /mnt " /proc/mounts && umount /mnt'
  matches CapEff '00000(1ff|03f)ffffffff' "$out"
  matches profile unconfined "$out"
  matches "own mount" "tmpfs ro" "$out"
}

check_devices() {
  must_run "$image" sh -c 'echo x >/dev/null && head -c 4 /dev/urandom | wc -c'
  run --cap-add MKNOD "$image" sh -c 'mknod /tmp/disk b 254 0; head -c 512 /tmp/disk | wc -c'
  matches "the host's disk" "not permitted|No such file" "$out"
  equal "bytes of the host's disk" 0 "$(tail -1 <<<"$out" | grep -xE '[0-9]+' || echo 0)"
}

check_network() {
  local address
  must docker run -d --name box -p 8080:80 "$image" sh -c 'mkdir /www && echo served >/www/index.html && exec httpd -f -h /www'
  address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' box)
  # No wget -T: Debian 12's static busybox crashes on it.
  eventually timeout 5 busybox wget -q -O /dev/null "http://$address/"
  must docker run --rm "$image" timeout 10 wget -q -O - "http://$address/"
  equal "container to container" served "$out"
  must timeout 10 busybox wget -q -O - http://127.0.0.1:8080/
  equal "published port" served "$out"
}

check_volumes() {
  mkdir -p /srv/bind
  chown 1000:1000 /srv/bind
  must_run -v /srv/bind:/b -v data:/d "$image" sh -c 'stat -c %u /b; echo x >/b/root-made; echo y >/d/kept; chown 33 /d/kept'
  equal "owner of the bind inside" 1000 "$out"
  equal "owner of the new file outside" 0 "$(stat -c %u /srv/bind/root-made)"
  run -v data:/d -v /srv/bind:/b:ro "$image" sh -c 'stat -c %u /d/kept; touch /b/x'
  matches "owner in the volume, read-only bind" $'^33\n.*Read-only file system' "$out"
  docker volume rm data >/dev/null
  rm -rf /srv/bind
}

check_build() {
  mkdir -p /tmp/context
  printf 'FROM %s\nRUN echo one >/one && chown 33 /one\nRUN rm /etc/passwd && mkdir /two\nCMD ["stat", "-c", "%%u", "/one"]\n' \
    "$image" >/tmp/context/Dockerfile
  must env DOCKER_BUILDKIT=0 docker build -q --network none -t built /tmp/context
  must_run built
  equal "owner through three layers" 33 "$out"
  docker rmi -f built >/dev/null
  rm -rf /tmp/context
}
