#!/usr/bin/env bash
# Runs inside the node image as it is built: puts things where kind and kubelet look, and takes out what cannot work in a container.
set -euo pipefail

chmod 755 /usr/local/bin/entrypoint /usr/local/bin/clean-install /kind/bin/*.sh /usr/bin/kube{adm,let,ctl}
ln -sf /usr/bin/containerd /usr/local/bin/containerd
ln -sf /usr/bin/ctr /usr/local/bin/ctr
ln -sf /usr/lib/systemd/systemd /sbin/init
mkdir -p /opt/cni /etc/kubernetes/manifests
rm -rf /opt/cni/bin
cp -rL /usr/lib/cni /opt/cni/bin

# Only what a node needs starts.
rm -f /lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* /etc/systemd/system/*.wants/* \
    /lib/systemd/system/sockets.target.wants/*udev* /lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
echo ReadKMsg=no >>/etc/systemd/journald.conf
systemctl enable kubelet.service containerd.service undo-mount-hacks.service
systemctl mask systemd-binfmt.service

# containerd: kind's configuration, the pause image of this Kubernetes, and kind's hook in every container.
sed -i "s#registry.k8s.io/pause:[0-9.]*\"#$(sed -n 2p /kind/version)\"#" /etc/containerd/config.toml
ctr oci spec | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    >/etc/containerd/cri-base.json
# A machine whose root lacks CAP_SYS_RESOURCE: no raised limits, no negative OOM scores.
sed -i '/^Limit/d; /^OOMScoreAdjust/d; /^TasksMax/d' /etc/systemd/system/containerd.service
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml
sed -i 2d /kind/version
