#!/usr/bin/env bash
# Builds a kind node image from Debian packages and Go modules, into the daemon that DOCKER_HOST names. lab.sh calls it.
#
#   node-image.sh TAG        does nothing when the image is there and was made from the same files
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
tag=$1

# What the image is made from: an image of an older checkout is made anew.
recipe=$(cat "$here"/node-image.sh "$here"/lib.sh "$here"/tools.sh "$here"/node/{Dockerfile,prepare.sh} "$here"/node/manifests/* "$here"/network/* |
    sha256sum | cut -c1-16)
[ "$(docker image inspect -f '{{index .Config.Labels "steelyard.recipe"}}' "$tag" 2>/dev/null)" != "$recipe" ] || exit 0

"$here/tools.sh" cluster >/dev/null
work=$(mktemp -d "$cache/node-image.XXXXXX")
loader=steelyard-node-image-$$
cleanup() {
    docker rm -f "$loader" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT

say "node image: the programs' images"
build() { # build TAG CONTEXT, with a network, into the build daemon
    docker -H "$build_socket" build -q --network host -t "$1" "$2" >"$work/build.log" || { cat "$work/build.log" >&2; die "docker build of $1 failed"; }
}
mkdir -p "$work/skeleton/tmp" "$work/skeleton/etc"
chmod 1777 "$work/skeleton/tmp"
program_image() { # program_image TAG PROGRAM: nothing but one static program
    tar -c --dereference --owner 0 --group 0 -C "$work/skeleton" tmp etc -C "$tools" --transform 's,^\([^/]*\)$,usr/local/bin/\1,;s,^usr/local/bin/\(tmp\|etc\)$,\1,' "$2" |
        docker -H "$build_socket" import --change 'ENV PATH=/usr/local/bin' --change "ENTRYPOINT [\"/usr/local/bin/$2\"]" - "$1" >/dev/null
}
for name in kube-apiserver kube-controller-manager kube-scheduler; do program_image "registry.k8s.io/$name:$k8s_version" $name; done
program_image $coredns_image coredns
program_image $etcd_image etcd
program_image $pause_image pause
mkdir -p "$work/network" "$work/images"
cp "$here"/network/* "$tools/kube-proxy" "$work/network/"
cp -L "$tools/kubectl" "$work/network/"
build "registry.k8s.io/kube-proxy:$k8s_version" "$work/network"
docker -H "$build_socket" save -o "$work/images/all.tar" $coredns_image $etcd_image $pause_image \
    "registry.k8s.io/"{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy}":$k8s_version"

say "node image: Debian and kind's files"
mkdir -p "$work/node/bin" "$work/node/manifests"
cp "$here"/node/{Dockerfile,prepare.sh} "$work/node/"
cp "$here"/node/manifests/* "$work/node/manifests/"
sed -i "s/KUBERNETES_VERSION/$k8s_version/" "$work/node/manifests/default-cni.yaml"
cp -r "$tools/node-files" "$work/node/files"
cp -L "$tools"/{kubeadm,kubelet,kubectl} "$work/node/bin/"
# Its second line tells prepare.sh the pause image, and goes again.
printf '%s\n%s\n' "$k8s_version" "$pause_image" >"$work/node/version"
build "$tag-bare" "$work/node"
docker -H "$build_socket" save "$tag-bare" | docker load >/dev/null
docker -H "$build_socket" rmi "$tag-bare" >/dev/null

say "node image: loading the programs' images"
docker run -d --name "$loader" --privileged --network none --tmpfs /run --entrypoint sleep -v "$work/images:/images:ro" "$tag-bare" infinity >/dev/null
docker exec "$loader" bash -ec '
    containerd >/tmp/containerd.log 2>&1 &
    for i in $(seq 50); do ctr version >/dev/null 2>&1 && break; sleep 0.2; done
    ctr -n k8s.io images import --all-platforms --no-unpack --digests /images/all.tar >/dev/null
    kill %1; wait %1 || true; rm -f /tmp/containerd.log'
docker commit --change "LABEL steelyard.recipe=$recipe" \
    --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' --change 'CMD []' "$loader" "$tag" >/dev/null
say "node image: built $tag"
