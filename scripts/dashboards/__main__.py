"""Writes charts/steelyard/dashboards/*.json.

    python3 -m dashboards            (in scripts/) writes them
    python3 -m dashboards --check    ends with 1 and says which differ from what would be written
"""
import json
import sys
from pathlib import Path

from . import control_plane, overview, upstream, virtual_ips

TARGET = Path(__file__).resolve().parents[2] / "charts/steelyard/dashboards"
BOARDS = {"overview": overview, "upstream": upstream, "control-plane": control_plane, "virtual-ips": virtual_ips}


def text_of(module) -> str:
    return json.dumps(module.build().json(), indent=1) + "\n"


def stale() -> list:
    paths = {name: TARGET / f"{name}.json" for name in BOARDS}
    return [path.name for name, path in paths.items() if not path.exists() or path.read_text() != text_of(BOARDS[name])]


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        for name in stale():
            print(f"{name} is not what scripts/dashboards writes: run `python3 -m dashboards` in scripts/")
        return 1 if stale() else 0
    for name, module in BOARDS.items():
        (TARGET / f"{name}.json").write_text(text_of(module))
    return 0


if __name__ == "__main__":
    sys.exit(main())
