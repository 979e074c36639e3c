#!/usr/bin/env python3
"""Draws the CPU parts of a result as an SVG: for every kind of traffic, what each proxy's request costs in units of Steelyard's.

    bench/chart.py bench/results/reference.json > docs/performance.svg
"""

import json
import sys
from xml.sax.saxutils import escape

COLOURS = {"steelyard": "#1f6feb", "haproxy": "#8b949e", "nginx": "#57ab5a", "envoy": "#c69026"}
# Who is compared: Steelyard's row first. "steelyard-tcp" is Steelyard in the chart.
CONTESTS = [("steelyard", "haproxy", "nginx", "envoy"), ("steelyard-tcp", "haproxy-tcp"), ("steelyard-udp", "nginx-udp", "envoy-udp")]
WIDTH, LABEL, BAR, GAP, BLOCK_GAP, TOP = 900, 215, 13, 3, 16, 64
MOST = 4.0  # longer bars are cut, and say so


def groups(result):
    """[(title, [(proxy, us, ratio)])], Steelyard first."""
    rows = [row for part in ("cpu", "shapes") for row in result["parts"].get(part, {}).get("rows", [])]
    found = []
    for key in dict.fromkeys(row["workload"] for row in rows):
        here = {row["proxy"]: row["cpu_us"] for row in rows if row["workload"] == key}
        title = next(row["title"] for row in rows if row["workload"] == key)
        for own, *others in CONTESTS:
            if own in here:
                found.append((title, [(name, here[name], here[name] / here[own]) for name in (own, *others) if name in here]))
                break
    return found


def bar(proxy, us, ratio, x, y, unit):
    name = proxy.partition("-")[0]
    length = min(ratio, MOST) * unit
    text = f"{us:,.1f} µs" + ("" if name == "steelyard" else f" · {ratio:.2f}×") + (" →" if ratio > MOST else "")
    weight = ' font-weight="600"' if name == "steelyard" else ""
    return (f'<rect x="{x}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{COLOURS[name]}"/>'
            f'<text x="{x + length + 6:.1f}" y="{y + BAR - 2.5}" font-size="11"{weight}>{escape(name)} {text}</text>')


def draw(result):
    unit = (WIDTH - LABEL - 190) / MOST
    y, parts = TOP, []
    for title, bars in groups(result):
        height = len(bars) * (BAR + GAP)
        parts.append(f'<text x="{LABEL - 12}" y="{y + height / 2 + 3:.1f}" text-anchor="end" font-size="12.5">{escape(title)}</text>')
        for name, us, ratio in bars:
            parts.append(bar(name, us, ratio, LABEL, y, unit))
            y += BAR + GAP
        y += BLOCK_GAP
    line = f'<line x1="{LABEL + unit:.1f}" x2="{LABEL + unit:.1f}" y1="{TOP - 8}" y2="{y - BLOCK_GAP}" stroke="#d0d7de" stroke-dasharray="3 3"/>'
    made = result["environment"]["date"][:10]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" font-family="system-ui, sans-serif" fill="#24292f">',
        f'<rect width="{WIDTH}" height="{y + 8}" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="16" font-weight="600">CPU time a request costs the proxy</text>',
        f'<text x="16" y="45" font-size="12" fill="#57606a">One thread on a core of its own; shorter is better; × = of Steelyard\'s in the same run ({made})</text>',
        line, *parts, "</svg>"])


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(sys.argv[1]) as source:
        print(draw(json.load(source)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
