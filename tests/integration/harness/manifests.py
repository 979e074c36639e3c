"""Directories of Kubernetes YAML, for a controller with --manifests."""
from pathlib import Path

import yaml

from .objects import endpoint, endpoint_slice, service


def write(directory: Path, name: str, *objects: dict):
    """As an editor that knows its trade: written aside, then renamed into place."""
    directory.mkdir(exist_ok=True)
    aside = directory / f".{name}.tmp"
    aside.write_text(yaml.safe_dump_all(objects))
    aside.rename(directory / name)


def static_service(directory: Path, *backends, ns: str = "shop", annotations: dict | None = None):
    """The Service web in `ns` with these backends."""
    write(directory, "web.yaml", service(ns, annotations=annotations),
          endpoint_slice(ns, [endpoint(one.address) for one in backends]))
