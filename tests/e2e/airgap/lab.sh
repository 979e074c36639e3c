#!/usr/bin/env bash
# Docker and kind for a machine that has neither and cannot pull an image: two daemons of Debian's docker.io, started by hand.
#
#   lab.sh up                       start both daemons; make debian:bookworm-slim and the kind node image if they are not there
#   lab.sh build TAG DIR [ARG...]   docker build with a network (for apt-get), then hand the image to the clusters' daemon
#   lab.sh run CMD...               run a command where the clusters are: DOCKER_HOST, and kind, kubectl and helm on PATH
#   lab.sh down                     stop both daemons, and with them every cluster; images and caches stay
#   lab.sh running                  status 0 when both daemons run
#   lab.sh missing                  name what this machine lacks for all that, one a line; nothing when it can
#
# The daemon of the clusters lives in a network namespace without a way out: what a test sends cannot leave the machine. Image
# builds need apt-get, so a second daemon runs them in the machine's own network, and its images are copied over.
# Everything is idempotent. Needs root; tests/e2e/README.md tells the traps that shaped it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

running() { docker -H "$1" info >/dev/null 2>&1; }

# start_daemon NAME SOCKET OPTION... : in the network of the process that calls.
start_daemon() {
    local name=$1 socket=$2
    shift 2
    running "$socket" && return 0
    setsid dockerd --data-root "$lab_data/$name" --exec-root "$lab_run/$name" --host "$socket" --pidfile "$lab_run/$name.pid" \
        --add-runtime trimmed="$here/runc-trimmed" --default-runtime trimmed "$@" >"$lab_run/$name.log" 2>&1 </dev/null 9>&- &
    for _ in $(seq 120); do
        if running "$socket"; then return 0; fi
        sleep 0.25
    done
    tail -5 "$lab_run/$name.log" >&2
    die "dockerd ($name) did not start within 30 s; its log: $lab_run/$name.log"
}

# A Debian without anything, as the official image of that name is.
base_image() {
    docker -H "$build_socket" image inspect debian:bookworm-slim >/dev/null 2>&1 && return 0
    local directory
    directory=$(mktemp -d "$cache/debootstrap.XXXXXX")
    say "debootstrap: debian:bookworm-slim"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$directory" >"$lab_run/debootstrap.log" ||
        die "debootstrap failed; its log: $lab_run/debootstrap.log"
    rm -rf "$directory"/var/cache/apt/archives/*.deb "$directory"/var/lib/apt/lists/* "$directory"/usr/share/{doc,man,locale}/*
    tar -C "$directory" -c . | docker -H "$build_socket" import --change 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
    rm -rf "$directory"
}

up() {
    mkdir -p "$lab_run" "$lab_data"
    exec 9>"$lab_run/.lock"
    flock 9
    if ! ip netns list | grep -qw "$lab_netns"; then
        ip netns add "$lab_netns"
        ip -n "$lab_netns" link set lo up
    fi
    # Not `ip netns exec`: it mounts /sys anew, which hides the control groups.
    in_lab_start cluster "$cluster_socket"
    start_daemon build "$build_socket" --iptables=false --ip6tables=false --bridge=none
    base_image
    DOCKER_HOST=$cluster_socket "$here/node-image.sh" "$node_image"
}

# The clusters' daemon, by this script called again inside the namespace.
in_lab_start() { running "$2" || nsenter --net="/run/netns/$lab_netns" "$here/lab.sh" start-daemon "$1" "$2"; }

build() {
    local tag=$1 directory=$2
    shift 2
    # Two builds of one tag at a time would hand over whichever came last.
    docker -H "$build_socket" build --network host -t "$tag" "$@" "$directory" || die "docker build of $tag failed; see above"
    local id
    id=$(docker -H "$build_socket" image inspect -f '{{.Id}}' "$tag")
    if [ "$(docker -H "$cluster_socket" image inspect -f '{{.Id}}' "$tag" 2>/dev/null)" != "$id" ]; then
        docker -H "$build_socket" save "$tag" | docker -H "$cluster_socket" load >/dev/null
    fi
}

run() {
    exec env PATH="$tools:$PATH" DOCKER_HOST="$cluster_socket" STEELYARD_NODE_IMAGE="$node_image" \
        nsenter --net="/run/netns/$lab_netns" "$@"
}

# Stops a daemon only when the process is the one that we started: a process id may be another's by now.
stop_daemon() {
    local pid socket=$2
    pid=$(cat "$lab_run/$1.pid" 2>/dev/null) || return 0
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$socket" || return 0
    kill "$pid"
    for _ in $(seq 120); do
        [ -d "/proc/$pid" ] || return 0
        sleep 0.25
    done
    say "dockerd ($1, process $pid) did not end within 30 s of SIGTERM"
}

down() {
    stop_daemon cluster "$cluster_socket"
    stop_daemon build "$build_socket"
    # Not while something of it still runs in there.
    if [ -e "/run/netns/$lab_netns" ] && [ -z "$(ip netns pids "$lab_netns")" ]; then ip netns del "$lab_netns"; fi
}

missing() {
    local name
    [ "$(id -u)" = 0 ] || { echo "root"; return 0; }
    for name in dockerd docker containerd runc debootstrap iptables nft ip nsenter jq python3; do
        command -v "$name" >/dev/null || echo "the program $name (scripts/bootstrap.sh e2e installs it)"
    done
    unshare --net true 2>/dev/null || echo "the right to make network namespaces (unshare --net fails)"
    unshare --mount true 2>/dev/null || echo "the right to make mount namespaces (unshare --mount fails)"
    iptables -t nat -L -n >/dev/null 2>&1 || echo "iptables' nat table (iptables -t nat -L fails)"
    awk '$3 == "cgroup" || $3 == "cgroup2" { found = 1 } END { exit !found }' /proc/mounts || echo "mounted control groups"
}

case ${1:-} in
    up) up ;;
    start-daemon) start_daemon "$2" "$3" ;;
    build) shift; [ $# -ge 2 ] || die "lab.sh build TAG DIR [ARG...]"; build "$@" ;;
    run) shift; run "$@" ;;
    down) down ;;
    running) running "$cluster_socket" && running "$build_socket" ;;
    missing) missing ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
