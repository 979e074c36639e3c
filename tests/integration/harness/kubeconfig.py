"""Writes kubeconfig files of every sort that a test needs."""
from pathlib import Path


def write_kubeconfig(path: Path, server: str, ca: Path, token: str = "", token_file: Path | None = None,
                     certificate: Path | None = None, key: Path | None = None) -> Path:
    """Authenticates with a token, a file that holds one (read again as it rotates), or a client certificate."""
    import yaml  # only here: bench/ uses the API server too, and has nothing but the standard library

    user = {}
    if token:
        user["token"] = token
    if token_file:
        user["tokenFile"] = str(token_file)
    if certificate:
        user |= {"client-certificate": str(certificate), "client-key": str(key)}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(ca)}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path
