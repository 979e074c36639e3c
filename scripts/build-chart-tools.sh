#!/usr/bin/env bash
# Builds helm, helm-unittest and kube-score from their Go modules into the cache, once: about 4 minutes on two cores, then
# nothing. Prints the directory that holds them. The chart's tests need all three, the end-to-end tests helm alone.
#
#   scripts/build-chart-tools.sh [helm] [helm-unittest] [kube-score]      default: all three
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/go.sh"

modules=$root/tests/charts/tools

# build_tool NAME MODULE PACKAGE LDFLAGS: linked aside and moved, so that an interrupted build leaves nothing that looks whole.
build_tool() {
    local name=$1 module=$2 package=$3 ldflags=$4
    [ -x "$chart_bin/$name" ] && return 0
    say "building $name (once; kept in $chart_bin)"
    (cd "$modules/$module" && CGO_ENABLED=0 nice go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$chart_bin/.$name.$$" "$package") ||
        die "go build $package failed; see above"
    mv "$chart_bin/.$name.$$" "$chart_bin/$name"
}

build() {
    case $1 in
        helm)
            local internal="-X helm.sh/helm/v3/internal/version.version=$helm_version" at
            # What `helm template` and `helm lint` take for the cluster's version when there is no cluster.
            for at in pkg/chartutil pkg/lint/rules; do
                internal+=" -X helm.sh/helm/v3/$at.k8sVersionMajor=1 -X helm.sh/helm/v3/$at.k8sVersionMinor=35"
            done
            build_tool helm helm helm.sh/helm/v3/cmd/helm "-s -w $internal"
            ;;
        helm-unittest) build_tool helm-unittest helm github.com/helm-unittest/helm-unittest/cmd/helm-unittest '-s -w' ;;
        kube-score) build_tool kube-score score github.com/zegl/kube-score/cmd/kube-score '-s -w' ;;
        *) die "there is no tool '$1': helm, helm-unittest, kube-score" ;;
    esac
}

[ $# -gt 0 ] || set -- helm helm-unittest kube-score
mkdir -p "$chart_bin"
missing=()
for name in "$@"; do [ -x "$chart_bin/$name" ] || missing+=("$name"); done
if [ ${#missing[@]} -gt 0 ]; then
    find_go || die "no Go $go_minimum or newer: run scripts/bootstrap.sh test"
    exec 9>"$chart_bin/.lock"
    flock 9
    for name in "${missing[@]}"; do build "$name"; done
fi
printf '%s\n' "$chart_bin"
