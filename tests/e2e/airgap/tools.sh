#!/usr/bin/env bash
# Builds from Go modules what a kind cluster needs and a machine without a registry cannot pull: kubelet, kubeadm, the control
# plane's programs, CoreDNS, the pause container's program, kind and helm. Once, into the cache (about 8 minutes on two cores with
# nothing there); afterwards it does nothing. kube-apiserver, etcd,
# kubectl and helm come from scripts/build-k8s-tools.sh and scripts/build-chart-tools.sh.
#
#   tests/e2e/airgap/tools.sh [cluster]   everything for the node image, kind and helm (the default)
#   tests/e2e/airgap/tools.sh client      kind and helm alone: what a machine with Docker and the internet lacks
#
# Prints the directory that holds them (with links to those that came from elsewhere).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$root/scripts/lib/go.sh"

# link LDFLAGS NAME PACKAGE [WORKING-DIRECTORY]: built aside and moved, so that an interrupted build leaves nothing that looks whole.
link() {
    local ldflags=$1 name=$2 package=$3 directory=${4:-$here/tools/k8s}
    [ -x "$tools/$name" ] && return 0
    say "building $name (once; kept in $tools)"
    (cd "$directory" && CGO_ENABLED=0 nice go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$tools/.$name.$$" "$package") ||
        die "go build $package failed; see above"
    mv "$tools/.$name.$$" "$tools/$name"
}

# install NAME PACKAGE@VERSION: a program that is its own module's main package.
install() {
    local name=$1 package=$2
    [ -x "$tools/$name" ] && return 0
    say "building $name (once; kept in $tools)"
    mkdir -p "$tools/.install.$$"
    GOBIN=$tools/.install.$$ CGO_ENABLED=0 nice go install -trimpath -ldflags "-s -w" "$package" || die "go install $package failed; see above"
    mv "$tools/.install.$$/$name" "$tools/$name"
    rmdir "$tools/.install.$$"
}

# borrow NAME DIRECTORY: a program that another script has built.
borrow() { ln -sfn "$2/$1" "$tools/$1"; }

# What kind adds to a Debian to make it a node: its entry point, units and containerd configuration. Part of its module.
node_files() {
    [ -d "$tools/node-files" ] && return 0
    local directory
    directory=$(cd "$here/tools/k8s" && go mod download -json "sigs.k8s.io/kind@$kind_version" | jq -r .Dir)
    cp -rT --no-preserve=mode "$directory/images/base/files" "$tools/.node-files.$$"
    mv "$tools/.node-files.$$" "$tools/node-files"
}

client() {
    install kind "sigs.k8s.io/kind@$kind_version"
    borrow kubectl "$("$root/scripts/build-k8s-tools.sh")"
    borrow helm "$("$root/scripts/build-chart-tools.sh" helm)"
}

cluster() {
    local name version=k8s.io/component-base/version k8s
    for name in kubelet kubeadm kube-controller-manager kube-scheduler kube-proxy; do
        link "-s -w -X $version.gitVersion=$k8s_version -X $version.gitMajor=1 -X $version.gitMinor=35" "$name" "k8s.io/kubernetes/cmd/$name"
    done
    link "-s -w" pause . "$here/tools/pause"
    install coredns "github.com/coredns/coredns@$coredns_version"
    node_files
    k8s=$("$root/scripts/build-k8s-tools.sh")
    for name in kube-apiserver etcd; do borrow "$name" "$k8s"; done
}

mkdir -p "$tools"
if ! find_go; then die "no Go $go_minimum or newer: run scripts/bootstrap.sh e2e"; fi
exec 9>"$tools/.lock"
flock 9
case ${1:-cluster} in
    client) client ;;
    cluster) cluster; client ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
printf '%s\n' "$tools"
