"""Virtual IPs: which node holds what, how steady it is, and what the pools have left. Empty without an edge."""
from .expressions import join, or_zero, rate
from .grafana import ORANGE, RED, Dashboard, thresholds, variable

N = 'namespace=~"$namespace"'
ROUTER = "router_id, family"
NAMED = "{{router_id}} {{family}}"


def build() -> Dashboard:
    board = Dashboard("steelyard-virtual-ips", "Steelyard / Virtual IPs", "The edge: who holds which address, and the pools.", [
        variable("namespace", "Namespace of the edge", "label_values(steelyard_vip_master, namespace)", every=True)])
    _now(board)
    _routers(board)
    _wire(board)
    _pools(board)
    return board


def masters(where: str = N) -> str:
    return f"sum by ({ROUTER}) (steelyard_vip_master{join(where)})"


def _now(board: Dashboard):
    board.stat("Virtual routers", "A Service's addresses of one family each; Services that share an address share it.",
               f"count({masters()})", "short")
    board.stat("Without a master", "Addresses that nobody holds.", or_zero(f"count({masters()} == 0)"), "short", thresholds((1, RED)))
    board.stat("With several masters", "Addresses that more than one node holds.", or_zero(f"count({masters()} > 1)"), "short", thresholds((1, RED)))
    board.stat("Edges", "Nodes on which steelyard-vip runs.", f"count(steelyard_vip_proxy_ready{join(N)})", "short")
    board.stat("Not ready", "Edges whose proxy is not ready: they hold nothing.", or_zero(f"count(steelyard_vip_proxy_ready{join(N)} == 0)"), "short",
               thresholds((1, ORANGE)))
    board.stat("Conflicts", "Answers of foreign hosts for an address of ours, within the last hour.",
               f"sum(increase(steelyard_vip_conflicts_total{join(N)}[1h]))", "short", thresholds((1, RED)))
    board.stat("Free addresses", "In all pools together.", "sum(max by (pool) (steelyard_address_pool_available))", "short", thresholds())
    board.stat("Without an address", "Services of type LoadBalancer that could not be given one.",
               'max(steelyard_load_balancer_services{state="failed"})', "short", thresholds((1, ORANGE)))


def _routers(board: Dashboard):
    board.row("Who holds what")
    board.series("Held by a node", "Virtual routers of which it is master. With many they are spread evenly.",
                 [(f"sum by (node, pod) (steelyard_vip_master{join(N)})", "{{node}} {{pod}}")], "short", stacked=True)
    board.series("Masters of a router", "One, always. None: not reachable. Two: they do not hear each other.", [(masters(), NAMED)], "short",
                 thresholds((2, RED)))
    board.series("Changes of state", "A second, of all nodes. Each change of the master cuts established connections.",
                 [(rate("steelyard_vip_transitions_total", N, ROUTER), NAMED)], "ops")


def _wire(board: Dashboard):
    board.row("On the segment")
    board.series("Advertisements sent", "A second; each master says that it is there.", [(rate("steelyard_vip_adverts_sent_total", N, "node, pod"), "{{node}} {{pod}}")], "ops")
    board.series("Advertisements heard", "A second; a backup that hears none takes over.",
                 [(rate("steelyard_vip_adverts_received_total", N, "node, pod"), "{{node}} {{pod}}")], "ops")
    board.series("Packets dropped", "VRRP packets that were not taken, by reason: malformed, from strangers, of other routers.",
                 [(rate("steelyard_vip_packets_dropped_total", N, "reason"), "{{reason}}")], "ops")
    board.series("Split brains", "Advertisements of a lesser master, heard by a master.", [(rate("steelyard_vip_splits_total", N, ROUTER), NAMED)], "ops")
    board.series("Conflicts", "A foreign host answered for one of the addresses.", [(rate("steelyard_vip_conflicts_total", N, ROUTER), NAMED)], "ops")
    board.series("Proxy ready", "What /readyz of the proxy says to steelyard-vip.", [(f"steelyard_vip_proxy_ready{join(N)}", "{{node}} {{pod}}")], "short",
                 maximum=1)


def _pools(board: Dashboard):
    board.row("Pools")
    board.series("Assigned", "Addresses that a Service has.", [("max by (pool) (steelyard_address_pool_assigned)", "{{pool}}")], "short")
    board.series("Free", "Addresses that are left.", [("max by (pool) (steelyard_address_pool_available)", "{{pool}}")], "short")
    board.series("Services", "Of type LoadBalancer, with an address and without.", [("max by (state) (steelyard_load_balancer_services)", "{{state}}")],
                 "short")
