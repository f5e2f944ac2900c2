"""A timestamp service of one's own for the tests: certificates made here, tokens by `openssl ts`, over real HTTP."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = one
[one]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""

Tamper = Callable[[bytes], bytes]


@dataclass(frozen=True)
class TSA:
    """A service: its folder with `root.pem`, and how it answers."""

    folder: Path

    @property
    def root(self) -> Path:
        """The certificate to trust it by."""
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """The answer to a request."""
        asked = self.folder / "query.tsq"
        asked.write_bytes(query)
        done = subprocess.run(
            ("openssl", "ts", "-reply", "-config", str(self.folder / "tsa.cnf"), "-queryfile", str(asked)),
            check=True,
            capture_output=True,
        )
        return done.stdout


def make_tsa(
    folder: Path, *, name: str = "Test timestamp service", stamping: bool = True, days: int = 30
) -> TSA:
    """Make root and service certificates; `stamping` False leaves the key usage out, negative `days` lets it end."""
    folder.mkdir(parents=True)
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} root")])
    start = datetime.now(UTC) - timedelta(days=60)
    root = (
        _builder(issuer, issuer, root_key.public_key(), start, start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = ExtendedKeyUsageOID.TIME_STAMPING if stamping else ExtendedKeyUsageOID.CODE_SIGNING
    leaf = (
        _builder(subject, issuer, key.public_key(), start, datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    (folder / "tsa.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    return TSA(folder)


@contextmanager
def serving_tsa(tsa: TSA, tamper: Tamper = lambda answer: answer, status: int = 200) -> Iterator[str]:
    """Serve it on a free port; `tamper` changes its answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            body = tamper(tsa.reply(query)) if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
