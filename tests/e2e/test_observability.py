"""A real Prometheus, real proxies under load: every expression of every dashboard and rule has an answer."""
import sys
import time

from harness import kubectl, load
from harness.machine import ROOT, say

sys.path.insert(0, str(ROOT / "tests/observability"))

from answers import check, report  # noqa: E402


def test_every_expression_of_dashboards_and_rules_is_answered(prometheus, clients, shop):
    variables = {"namespace": ".*", "upstream": f"{shop}/web:http", "__rate_interval": "20s"}
    with load.without_a_failure("observability", *clients):
        time.sleep(4)
        kubectl.run("rollout", "restart", "-n", shop, "deployment/web")
        kubectl.rolled_out("deployment/web", shop)
        answers = kubectl.until(lambda: _answered(prometheus, variables), "an answer to every expression", 40, 3)
    say(f"    observability: {len(answers)} expressions, all answered")


def _answered(prometheus, variables: dict) -> list:
    answers = check(prometheus.data, variables)
    missing = report(answers)
    if missing:
        raise kubectl.KubectlError(missing)
    return answers
