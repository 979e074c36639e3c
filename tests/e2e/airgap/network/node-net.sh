#!/bin/sh
# A node's part of the pod network: writes the node's CNI configuration once its pod range is known, and keeps a route to every
# other node's range. Looks every two seconds; nodes of a test cluster do not come and go.
pods=10.244.0.0/16

nodes() { # a line each: NAME POD-RANGE ADDRESS
    kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
}

write_cni() {
    file=/etc/cni/net.d/10-node-net.conflist
    [ -e $file ] && return
    cat >$file.new <<CNI
{"cniVersion": "0.3.1", "name": "node-net", "plugins": [
  {"type": "ptp", "ipMasq": false, "mtu": 1500,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam-state", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "$1"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CNI
    mv $file.new $file
}

# What leaves the pods' network leaves with the node's address.
set -- POSTROUTING -s $pods ! -d $pods -m addrtype ! --dst-type LOCAL -j MASQUERADE
iptables -t nat -C "$@" 2>/dev/null || iptables -t nat -A "$@"

while :; do
    nodes | while read -r name range address _; do
        [ -n "$address" ] || continue
        if [ "$name" = "$NODE_NAME" ]; then write_cni "$range"; else ip route replace "$range" via "$address"; fi
    done
    sleep 2
done
