# What the scripts share: where things are kept, how they speak, how they fail. Sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Everything that is built or downloaded once and kept lives below this one directory; deleting it is always safe.
cache=${STEELYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/steelyard}
venv=$cache/venv

# The Kubernetes the tests run against. The Go modules in tests/integration/tools/k8s name the same versions.
k8s_version=v1.35.4
etcd_version=v3.6.5
k8s_bin=$cache/bin/k8s-$k8s_version-etcd-$etcd_version

# What the chart is tested with. The Go modules in tests/charts/tools name the same versions.
helm_version=v3.22.0
chart_bin=$cache/bin/charts-helm-$helm_version

say() { printf '[%(%H:%M:%S)T] %s\n' -1 "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Go modules: the tool chain is the one found, never a download behind the back.
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
