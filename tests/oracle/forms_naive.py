"""The forms under a bundle, word for word from `contracts/specs` and C2SP; nothing of chemtrace is used.

JSON, CBOR, base45, notes, cosignatures, policies, subjects, headers, entries, signatures. The oracle of `core`.
"""

import base64
import hashlib
import json
import re
from datetime import datetime
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tests.oracle import ed25519_naive

MAX_INT = 2**53 - 1
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


class Refused(Exception):  # noqa: N818  # it is what the verdict is called
    """Not accepted; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def need(fits: Any, code: str) -> None:
    """Refuse with `code` unless it fits."""
    if not fits:
        raise Refused(code)


def h(*parts: bytes) -> bytes:
    """SHA-256 of parts."""
    return hashlib.sha256(b"".join(parts)).digest()


# ---------------------------------------------------------------------- canonical.md


def read_json(data: bytes, limit: int) -> Any:
    """The value of canonical JSON."""
    need(len(data) <= limit, "json.too-large")

    def no_float(_: str) -> None:
        raise Refused("json.float")

    def no_constant(_: str) -> None:
        raise Refused("json.syntax")

    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(name for name in names if names.count(name) > 1)
        return dict(pairs)

    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_float=no_float, parse_constant=no_constant, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise Refused("json.syntax") from error
    walk(value, 0)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        need(again.encode("utf-8") == data and not twice, "json.not-canonical")
    except UnicodeEncodeError as error:
        raise Refused("json.syntax") from error
    return value


def walk(value: Any, depth: int) -> None:
    """Integers, names and depth."""
    if isinstance(value, dict | list):
        need(depth < 32, "json.depth")
        for inner in value.values() if isinstance(value, dict) else value:
            walk(inner, depth + 1)
    if isinstance(value, dict):
        need(all(name.isascii() for name in value), "json.key-not-ascii")
    if isinstance(value, int):
        need(-MAX_INT <= value <= MAX_INT, "json.integer-range")


def members(value: Any, names: str, code: str) -> None:
    """Exactly these members."""
    need(isinstance(value, dict) and sorted(value) == sorted(names.split()), code)


def b64u(text: Any) -> bytes:
    """Unpadded base64url in its one spelling."""
    need(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text), "wire.invalid")
    need(len(text) % 4 != 1, "wire.invalid")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "wire.invalid")
    return data


def b64(text: str, code: str) -> bytes:
    """Padded base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused(code) from error
    need(base64.b64encode(data).decode() == text, code)
    return data


def hexes(text: Any, size: int, code: str) -> bytes:
    """Lowercase hex of so many bytes."""
    need(isinstance(text, str) and re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text), code)
    return bytes.fromhex(text)


# ---------------------------------------------------------------------- CBOR and base45


def read_cbor(data: bytes) -> Any:
    """Deterministic CBOR of integers, bytes, text, arrays, null: read by a library, and the same when written again."""
    try:
        value = cbor2.loads(data)
        plain(value)
        need(cbor2.dumps(value, canonical=True) == data, "cbor.invalid")
    except Refused:
        raise
    except Exception as error:  # the library raises what its types raise
        raise Refused("cbor.invalid") from error
    return value


def plain(value: Any) -> None:
    """Only the types of the grammar."""
    if isinstance(value, list):
        for inner in value:
            plain(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        need(0 <= value < 2**64, "cbor.invalid")
    else:
        need(value is None or type(value) in (bytes, str), "cbor.invalid")


def read_base45(text: str) -> bytes:
    """RFC 9285."""
    need(all(sign in BASE45 for sign in text) and len(text) % 3 != 1, "base45.invalid")
    out = bytearray()
    for at in range(0, len(text), 3):
        group = [BASE45.index(sign) for sign in text[at : at + 3]]
        number = sum(value * 45**power for power, value in enumerate(group))
        need(number < 256 ** (len(group) - 1), "base45.invalid")
        out += number.to_bytes(len(group) - 1, "big")
    return bytes(out)


# ---------------------------------------------------------------------- keys.md

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def strict_point(data: bytes) -> bool:
    """y below p, and none of the eight points of low order; what is no point at all is the library's to refuse."""
    y = int.from_bytes(data, "little") & (2**255 - 1)
    if y >= P:
        return False
    point = ed25519_naive.decode(y.to_bytes(32, "little"))  # of either sign: both have one order
    return point is None or ed25519_naive.multiply(8, point) != ed25519_naive.IDENTITY


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """The strict rule, then the library's equation."""
    if len(public) != 32 or len(signature) != 64 or int.from_bytes(signature[32:], "little") >= L:
        return False
    if not strict_point(public) or not strict_point(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def p256(public: bytes, message: bytes, signature: bytes) -> bool:
    """ECDSA with SHA-256, raw r and low s."""
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if s > N256 // 2:
        return False
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    try:
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


SM2_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
SM2_A = SM2_P - 3
SM2_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
SM2_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
SM2_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Point = tuple[int, int] | None


def sm2_add(a: Point, b: Point) -> Point:
    """The group law, case by case."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % SM2_P == 0:
            return None
        slope = (3 * a[0] * a[0] + SM2_A) * pow(2 * a[1], -1, SM2_P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, SM2_P)
    x = (slope * slope - a[0] - b[0]) % SM2_P
    return x, (slope * (a[0] - x) - a[1]) % SM2_P


def sm2_times(n: int, a: Point) -> Point:
    """n times a."""
    total: Point = None
    while n:
        if n & 1:
            total = sm2_add(total, a)
        a = sm2_add(a, a)
        n >>= 1
    return total


def sm2(public: bytes, message: bytes, signature: bytes, user: str) -> bool:
    """GB/T 32918.2 with SM3."""
    if len(signature) != 64:
        return False
    point = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < SM2_N and 0 < s < SM2_N) or (r + s) % SM2_N == 0:
        return False
    numbers = (SM2_A, SM2_B, *SM2_G, *point)
    name = user.encode()
    z = (len(name) * 8).to_bytes(2, "big") + name + b"".join(one.to_bytes(32, "big") for one in numbers)
    digest = hashlib.new("sm3", hashlib.new("sm3", z).digest() + message).digest()
    found = sm2_add(sm2_times(s, SM2_G), sm2_times((r + s) % SM2_N, point))
    return found is not None and (int.from_bytes(digest, "big") + found[0]) % SM2_N == r


SPKI = {
    "ed25519": bytes.fromhex("302a300506032b6570032100"),
    "p256": bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
    "sm2": bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200"),
}
CURVES = {
    "p256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "sm2": (SM2_P, SM2_B),
}


def read_spki(der: bytes) -> tuple[str, bytes]:
    """Algorithm and raw key of a SubjectPublicKeyInfo, checked."""
    for name, prefix in SPKI.items():
        if der.startswith(prefix):
            raw = der[len(prefix) :]
            if name == "ed25519":
                need(len(raw) == 32, "key.spki")
                need(strict_point(raw), "key.weak")
                need(on_edwards(raw), "key.spki")
            else:
                need(len(raw) == 65 and raw[0] == 4, "key.spki")
                x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
                p, b = CURVES[name]
                need(x < p and y < p and (y * y - x**3 + 3 * x - b) % p == 0, "key.spki")
            return name, raw
    raise Refused("key.spki")


def on_edwards(raw: bytes) -> bool:
    """Whether x^2 = (y^2 - 1) / (d y^2 + 1) has a root."""
    y2 = pow(int.from_bytes(raw, "little") & (2**255 - 1), 2, P)
    x2 = (y2 - 1) * pow(-121665 * pow(121666, -1, P) * y2 + 1, -1, P) % P
    return pow(x2, (P - 1) // 2, P) in (0, 1)


def verify(algorithm: str, raw: bytes, user: str, message: bytes, signature: bytes) -> bool:
    """A signature under a key of a registered algorithm."""
    if algorithm == "sm2":
        return sm2(raw, message, signature, user or "1234567812345678")
    return (ed25519 if algorithm == "ed25519" else p256)(raw, message, signature)


def pae(kind: str, body: bytes) -> bytes:
    """DSSE pre-authentication encoding."""
    return f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body


# ---------------------------------------------------------------------- checkpoint.md, C2SP


def read_note(data: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text and lines (name, key hash, signature) of a signed note."""
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("note.format") from error
    at = whole.rfind("\n\n")
    need(at >= 0 and whole.endswith("\n") and len(data) <= 1_000_000, "note.format")
    text, lines = whole[: at + 1], whole[at + 2 : -1].split("\n")
    need(not any(ord(sign) < 32 and sign != "\n" for sign in text), "note.format")
    need(1 <= len(lines) <= 100, "note.format")
    found = []
    for line in lines:
        match = re.fullmatch("\u2014 ([^ ]*) (.*)", line, re.DOTALL)
        need(match, "note.format")
        name, body = match[1], b64(match[2], "note.format")  # type: ignore[index]  # just checked
        need(good_name(name) and len(body) >= 5, "note.format")
        found.append((name, body[:4], body[4:]))
    return text, found


def good_name(name: str) -> bool:
    """A key name: not empty, no spaces, no plus, no control characters."""
    return bool(name) and "+" not in name and not any(sign.isspace() or ord(sign) < 32 for sign in name)


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """Origin, size, root; extension lines are refused by bundles afterwards."""
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[-1] == "" and all(lines[:-1]), "checkpoint.invalid")
    need(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1], re.ASCII), "checkpoint.invalid")
    need(int(lines[1]) < 2**63, "checkpoint.invalid")
    root = b64(lines[2], "checkpoint.invalid")
    need(len(root) == 32, "checkpoint.invalid")
    return lines[0], int(lines[1]), root


def read_vkey(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, key hash, type and key of a verifier key text."""
    parts = text.split("+", 2)
    need(len(parts) == 3 and good_name(parts[0]), "note.format")
    body = b64(parts[2], "note.format")
    need(len(body) >= 2 and h(parts[0].encode() + b"\n" + body)[:4].hex() == parts[1], "note.format")
    return parts[0], bytes.fromhex(parts[1]), body[0], body[1:]


class NaivePolicy:
    """A tlog-policy."""

    def __init__(self, text: str) -> None:
        self.logs: list[tuple[str, bytes, int, bytes]] = []
        self.witnesses: dict[str, tuple[str, bytes, int, bytes]] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum: str | None = None
        member: set[str] = set()
        need(text.endswith("\n"), "policy.format")
        for line in text[:-1].split("\n"):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            known = self.witnesses.keys() | self.groups.keys()
            if words[0] == "log":
                need(2 <= len(words) <= 3, "policy.format")
                self.logs.append(read_vkey(words[1]))
            elif words[0] == "witness":
                need(3 <= len(words) <= 4 and words[1] not in known | {"none"}, "policy.format")
                self.witnesses[words[1]] = read_vkey(words[2])
            elif words[0] == "group":
                names = words[3:]
                need(names and words[1] not in known | {"none"}, "policy.format")
                need(all(name in known and name not in member for name in names), "policy.format")
                need(len(set(names)) == len(names), "policy.format")
                member |= set(names)
                k = {"all": len(names), "any": 1}.get(words[2]) or int(words[2])
                need(1 <= k <= len(names), "policy.format")
                self.groups[words[1]] = (k, names)
            else:
                need(words[0] == "quorum" and len(words) == 2 and self.quorum is None, "policy.format")
                need(words[1] in known | {"none"}, "policy.format")
                self.quorum = words[1]
        need(self.quorum and len(self.witnesses) <= 90, "policy.format")

    def met(self, cosigned: set[str]) -> bool:
        """Whether the quorum is there."""

        def has(name: str) -> bool:
            if name not in self.groups:
                return name in cosigned
            k, names = self.groups[name]
            return sum(has(one) for one in names) >= k

        return self.quorum == "none" or has(str(self.quorum))


def cosigned_at(witness: tuple[str, bytes, int, bytes], text: str, signature: bytes) -> int:
    """The time of an Ed25519 cosignature that verifies."""
    _, _, kind, public = witness
    need(kind == 4 and len(signature) == 72, "note.signature")
    time = int.from_bytes(signature[:8], "big")
    need(0 < time <= 253402300799, "note.signature")
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    need(ed25519(public, message, signature[8:]), "note.signature")
    return time


# ---------------------------------------------------------------------- statement.md, entry.md, epoch.md


def check_sign(body: str) -> str:
    """The sign behind a body of the alphabet."""
    return ALPHABET[-sum(pow(3, i, 31) * ALPHABET.index(sign) for i, sign in enumerate(body)) % 31]


def subject(text: str) -> str:
    """A canonical subject id."""
    need(isinstance(text, str), "bundle.format")
    prefix, colon, name = text.partition(":")
    if not colon:
        need(len(text) == 19 and re.fullmatch(f"[{ALPHABET}]{{19}}", text, re.ASCII), "code.format")
        need(text[:3] == "BJ1", "code.version")
        need(text[3] in "PCTWA" and re.fullmatch("[0-9]{3}", text[4:7], re.ASCII), "code.format")
        need(text[3] == "A" or text[4:7] != "000", "code.format")
        need(check_sign(text[:18]) == text[18], "code.check")
        return text
    number = r"[A-Z0-9][A-Z0-9.-]{0,31}"
    forms = {
        "enterprise": r"[0-9A-Z]{18}",
        "site": number,
        "licence": number,
        "device": number,
        "batch": r"[A-Z0-9][A-Z0-9.-]{0,63}",
        "waybill": r"[A-Z0-9][A-Z0-9-]{2,31}",
        "key": "[0-9a-f]{64}",
        "alert": "[0-9a-f]{64}",
    }
    need(prefix in forms and re.fullmatch(forms[prefix], name, re.ASCII), "subject.invalid")
    if prefix == "enterprise":
        form = f"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}"
        need(re.fullmatch(form, name, re.ASCII) and check_sign(name[:17]) == name[17], "credit-code.invalid")
    return text


def moment(text: Any, code: str = "time.format") -> int:
    """RFC 3339 with offset, in microseconds since 1970."""
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
    need(isinstance(text, str) and re.fullmatch(form, text, re.ASCII) and not text.endswith("-00:00"), code)
    try:
        since = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    except ValueError as error:
        raise Refused(code) from error
    at = (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
    need(0 <= at <= 253402300799999999, code)
    return at


def spelled(at: int) -> str:
    """epoch.md's one spelling of a moment."""
    need(0 <= at <= 253402300799999999, "time.format")
    from datetime import timedelta

    return (datetime.fromisoformat("1970-01-01T00:00:00") + timedelta(microseconds=at)).isoformat() + "Z"


def whole(value: Any, low: int, high: int) -> bool:
    """An integer, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def read_header(data: bytes) -> dict[str, Any]:
    """The header of its bytes."""
    need(len(data) <= 49152, "header.too-large")
    head: dict[str, Any] = read_json(data, 49152)
    bad = "header.invalid"
    members(head, "typ kind phase enterprise signers iat subjects payload rules stance", bad)
    need(head["typ"] == "chemtrace/event/1" and head["stance"] in ("normal", "exception"), bad)
    for name, form in {
        "kind": "[a-z][a-z_]{0,31}",
        "phase": "[a-z][a-z_]{0,31}",
        "enterprise": f"[{ALPHABET}]{{18}}",
        "rules": "[0-9a-f]{64}",
    }.items():
        need(isinstance(head[name], str) and re.fullmatch(form, head[name]), bad)
    members(head["payload"], "sha256 size type", bad)
    hexes(head["payload"]["sha256"], 32, bad)
    need(whole(head["payload"]["size"], 2, 262144), bad)
    need(head["payload"]["type"] == "application/vnd.chemtrace.event+json", bad)
    need(isinstance(head["signers"], list) and 1 <= len(head["signers"]) <= 8, bad)
    need(isinstance(head["subjects"], list) and 1 <= len(head["subjects"]) <= 256, bad)
    for kid in head["signers"]:
        hexes(kid, 32, bad)
    for one in head["subjects"]:
        members(one, "id prev", bad)
        need(isinstance(one["id"], str), bad)
        if one["prev"] is not None:
            hexes(one["prev"], 32, bad)
    need(len(set(head["signers"])) == len(head["signers"]), bad)
    names = [one["id"] for one in head["subjects"]]
    need(len(set(names)) == len(names), bad)
    for name in names:
        subject(name)
    need(isinstance(head["iat"], str) and head["iat"].endswith("Z"), bad)
    moment(head["iat"])
    return head


def read_entry(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Header bytes and signatures by key id."""
    bad = "entry.format"
    need(6 <= len(data) <= 65535 and data[0] == 1, bad)
    size = int.from_bytes(data[1:5], "big")
    need(size <= 49152 and len(data) > 5 + size, bad)
    header, count, at = data[5 : 5 + size], data[5 + size], 6 + size
    found = []
    for _ in range(count):
        need(len(data) >= at + 34, bad)
        length = int.from_bytes(data[at + 32 : at + 34], "big")
        need(len(data) >= at + 34 + length, bad)
        found.append((data[at : at + 32].hex(), data[at + 34 : at + 34 + length]))
        at += 34 + length
    need(at == len(data), bad)
    is_epoch = header.endswith(b',"typ":"chemtrace/epoch/1"}')
    need(count <= 8 and (count == 0) == is_epoch, bad)
    return header, found


def read_record(data: bytes) -> dict[str, Any]:
    """An epoch record of its header bytes."""
    bad = "epoch.format"
    record: dict[str, Any] = read_json(data, 49152)
    members(record, "typ number log_time first last subjects chain map_root previous", bad)
    need(record["typ"] == "chemtrace/epoch/1", bad)
    hexes(record["chain"], 32, bad)
    if record["map_root"] is not None:
        hexes(record["map_root"], 32, bad)
    need(all(whole(record[name], 0, MAX_INT) for name in ("number", "subjects")), bad)
    for name in ("first", "last", "previous"):
        need(record[name] is None or whole(record[name], 0, MAX_INT), bad)
    need(spelled(moment(record["log_time"])) == record["log_time"], bad)
    need((record["first"] is None) == (record["last"] is None), bad)
    need(record["first"] is None or record["first"] <= record["last"], bad)
    return record


def record_leaf(data: bytes) -> bytes:
    """The leaf hash of an epoch record's entry."""
    return h(b"\x00\x01", len(data).to_bytes(4, "big"), data, b"\x00")
