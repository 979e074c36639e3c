"""The CustomResourceDefinition of LoadBalancingPolicy, as the chart installs it."""
from pathlib import Path

from .wait import eventually

CRD = Path(__file__).parents[3] / "charts/steelyard/schemas/loadbalancingpolicies.yaml"
NAME = "loadbalancingpolicies.steelyard.dev"

HEADERS = {"set": [{"name": "X-A", "value": "1"}], "add": [{"name": "X-B", "value": ""}, {"name": "X-B", "value": "2"}], "remove": ["X-C"]}
# A spec with every field that there is.
EVERYTHING = {
    "algorithm": "Maglev",
    "consistentHash": {"key": {"type": "Header", "name": "X-User"}, "tableSize": 65521, "loadFactorPercent": 125},
    "slowStart": {"window": "30s", "minimumPercent": 10},
    "locality": {"mode": "PreferSameZone", "maxRequestsPerEndpoint": 0, "minimumHealthyPercent": 70},
    "healthCheck": {"type": "HTTP", "interval": "5s", "timeout": "1s", "rise": 2, "fall": 3, "jitterPercent": 10, "path": "/healthz?full",
                    "host": "web.internal:80", "expectedStatuses": ["200-399", "404"]},
    "drainTimeout": "0s",
    "proxyProtocol": "V2",
    "timeouts": {"connect": "2s", "response": "60s", "idle": "1m30s", "tunnelIdle": "24h", "udpIdle": "10ms"},
    "http": {"host": {"type": "Rewrite", "value": "[fd00::1]:8080"}, "path": {"prefix": "/api", "replacement": "/"},
             "redirect": {"scheme": "https", "host": "shop.example", "port": 443, "statusCode": 308},
             "requestHeaders": HEADERS, "responseHeaders": HEADERS,
             "compression": {"algorithms": ["Gzip", "Zstd", "Brotli"], "minimumBytes": 0, "types": ["text/*", "application/json"]},
             "cache": {"maximumBytes": "32Mi", "maximumObjectBytes": 65536}},
}


def install(kubectl):
    """Waits until the API server serves it. It stays for the tests to come."""
    kubectl("apply", "-f", str(CRD))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{NAME}")
    eventually(lambda: "loadbalancingpolicies" in kubectl("api-resources", "--api-group=steelyard.dev"), what="it is served")
