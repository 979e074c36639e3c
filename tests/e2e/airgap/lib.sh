# Versions, places and names that the airgap scripts share. Sourced, never run.
# shellcheck shell=bash

. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"

# Together with k8s_version and helm_version in scripts/lib/common.sh. The image tags are those that kubeadm of this Kubernetes asks for.
kind_version=v0.32.0
coredns_version=v1.13.1
etcd_image=registry.k8s.io/etcd:3.6.6-0
coredns_image=registry.k8s.io/coredns/coredns:v1.13.1
pause_image=registry.k8s.io/pause:3.10.1

tools=$cache/bin/kind-$kind_version-k8s-$k8s_version

# The network namespace of the clusters: a loopback and what Docker adds, and no way out of the machine.
lab_netns=steelyard-lab
# Sockets, process ids and logs of the two Docker daemons. On a tmpfs where there is one: it must be empty after a boot.
lab_run=/run/steelyard-lab
# Their images and containers, some gigabytes.
lab_data=$cache/lab
cluster_socket=unix://$lab_run/cluster.sock
build_socket=unix://$lab_run/build.sock

# The old builder without its complaint that there is a newer one: Debian does not have the newer one.
export DOCKER_BUILDKIT=0

node_image=steelyard/kind-node:$k8s_version
