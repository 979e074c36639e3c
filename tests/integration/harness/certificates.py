"""A certificate authority and client certificates by the openssl command: enough to log in to an API server with one."""
import subprocess
from pathlib import Path


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    def __init__(self, directory: Path):
        self.directory = directory
        self.certificate = directory / "client-ca.crt"
        self.key = directory / "client-ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
                 "-subj", "/CN=test clients", "-keyout", self.key, "-out", self.certificate)

    def client(self, user: str, group: str = "") -> tuple[Path, Path]:
        """The certificate and the key that say: this is `user`, of `group`."""
        key, request, certificate = (self.directory / f"{user}.{end}" for end in ("key", "csr", "crt"))
        subject = f"/O={group}/CN={user}" if group else f"/CN={user}"
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject,
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", 2, "-out", certificate)
        return certificate, key

    def server(self, name: str, alternative_names: str) -> tuple[Path, Path]:
        """The certificate and the key of a server: `alternative_names` as openssl has them, "IP:127.0.0.1,DNS:localhost"."""
        key, request, certificate, extensions = (self.directory / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
        extensions.write_text(f"subjectAltName={alternative_names}\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=server",
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", 2, "-extfile", extensions, "-out", certificate)
        return certificate, key


def signing_key(path: Path) -> Path:
    """A key for service account tokens, which an API server does not start without."""
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    return path
