#!/usr/bin/env bash
# Builds etcd, kube-apiserver and kubectl from their Go modules into the cache, once: about 6 minutes on two cores, then
# nothing. Prints the directory that holds them. The integration tests need them; nothing else does.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/go.sh"

modules=$root/tests/integration/tools/k8s

# build_tool NAME PACKAGE LDFLAGS: linked aside and moved, so that an interrupted build leaves nothing that looks whole.
build_tool() {
    local name=$1 package=$2 ldflags=$3
    [ -x "$k8s_bin/$name" ] && return 0
    say "building $name (once; kept in $k8s_bin)"
    (cd "$modules" && CGO_ENABLED=0 nice go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$k8s_bin/.$name.$$" "$package") ||
        die "go build $package failed; see above"
    mv "$k8s_bin/.$name.$$" "$k8s_bin/$name"
}

mkdir -p "$k8s_bin"
if [ ! -x "$k8s_bin/etcd" ] || [ ! -x "$k8s_bin/kube-apiserver" ] || [ ! -x "$k8s_bin/kubectl" ]; then
    find_go || die "no Go $go_minimum or newer: run scripts/bootstrap.sh test"
    exec 9>"$k8s_bin/.lock"
    flock 9
    version=k8s.io/component-base/version
    build_tool etcd go.etcd.io/etcd/server/v3 '-s -w'
    for name in kube-apiserver kubectl; do
        build_tool "$name" "k8s.io/kubernetes/cmd/$name" \
            "-s -w -X $version.gitVersion=$k8s_version -X $version.gitMajor=1 -X $version.gitMinor=35"
    done
fi
printf '%s\n' "$k8s_bin"
