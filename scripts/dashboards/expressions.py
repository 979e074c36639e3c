"""The expressions that several panels share. `where` is what stands between the braces of a selector."""

WINDOW = "[$__rate_interval]"


def join(*selectors: str) -> str:
    return "{" + ",".join(one for one in selectors if one) + "}"


def rate(metric: str, where: str, by: str = "") -> str:
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{join(where)}{WINDOW}))"


def quantile(q: float, metric: str, where: str, by: str = "") -> str:
    group = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({group}) (rate({metric}_bucket{join(where)}{WINDOW})))"


def quantiles(metric: str, where: str) -> list:
    return [(quantile(q, metric, where), name) for q, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))]


def ratio(part: str, whole: str) -> str:
    """0 where the whole is 0, never "no data"."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def share(parts: str, whole: str) -> str:
    """Each part of a whole that has no labels."""
    return f"{parts} / scalar(clamp_min({whole}, 1e-9))"


def error_ratio(where: str, by: str = "") -> str:
    """As the alert has it: 5xx, our own among them, and answers cut off in the middle, of all requests."""
    failed = rate("steelyard_upstream_requests_total", f'{where},code="5xx"', by)
    cut = rate("steelyard_upstream_failures_total", f'{where},reason="upstream_cut"', by)
    return ratio(f"({failed} + {cut})", rate("steelyard_upstream_requests_total", where, by))


def of_program(metric: str, where: str, program: str) -> str:
    """Of the process metrics, which every program has, those of one of ours."""
    ours = join(where, f'program="{program}"')
    return f"{metric} and on (job, instance) steelyard_build_info{ours}"


def or_zero(expression: str) -> str:
    """For what is empty on a healthy system because it counts what is wrong, or belongs to what is not switched on."""
    return f"{expression} or on () vector(0)"
