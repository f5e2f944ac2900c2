"""A verifier of bundles and status proofs, step by step from `contracts/specs/bundle.md`; nothing of chemtrace is used.

`judge(operation, proof, trust, now_us)` gives `{"want": ...}` or `{"error": code}` as the vectors state them.
"""

import re
from typing import Any

from tests.oracle.forms_naive import (
    ALPHABET,
    MAX_INT,
    NaivePolicy,
    Refused,
    b64,
    b64u,
    cosigned_at,
    ed25519,
    h,
    hexes,
    members,
    moment,
    need,
    pae,
    read_base45,
    read_cbor,
    read_checkpoint,
    read_entry,
    read_header,
    read_json,
    read_note,
    read_record,
    read_spki,
    read_vkey,
    record_leaf,
    spelled,
    subject,
    verify,
    whole,
)

AUTHORITY_KINDS = {"enterprise", "site", "licence", "key", "device", "issue", "rules", "erase", "anchor"}
FORM = "bundle.format"
Parts = dict[str, Any]


def judge(operation: str, proof: bytes, trust: bytes, now_us: int | None) -> dict[str, Any]:
    """The result of one case."""
    try:
        pinned = read_trust(trust)
        if operation == "trust":
            return {"want": {"mirrors": pinned["mirrors"], "origin": pinned["origin"]}}
        return {"want": (bundle if operation == "bundle" else status)(proof, pinned, now_us)}
    except Refused as refused:
        return {"error": refused.code}


def read_trust(data: bytes) -> Parts:
    """trust.md."""
    bad = "trust.format"
    need(len(data) <= 262144, bad)
    trust: Parts = read_json(data.removesuffix(b"\n"), 262144)
    members(trust, "typ origin log authority policy mirrors max_age_s", bad)
    need(trust["typ"] == "chemtrace/trust/1", bad)
    hexes(trust["authority"], 32, bad)
    need(trust["max_age_s"] is None or whole(trust["max_age_s"], 1, 316_224_000), bad)
    need(isinstance(trust["mirrors"], list) and len(trust["mirrors"]) <= 32, bad)
    need(isinstance(trust["origin"], str) and 1 <= len(trust["origin"]) <= 200, bad)
    name, _, kind, _ = read_vkey(trust["log"])
    need(kind == 1, "note.format")
    need(name == trust["origin"] and len(set(trust["mirrors"])) == len(trust["mirrors"]), bad)
    policy = NaivePolicy(trust["policy"]) if trust["policy"] is not None else None
    need(all(policy and mirror in policy.witnesses for mirror in trust["mirrors"]), bad)
    need(not policy or not policy.logs or read_vkey(trust["log"]) in policy.logs, bad)
    return {**trust, "policy": policy}


# ---------------------------------------------------------------------- step 1: two forms, the same parts


def bundle_parts(data: bytes) -> Parts:
    """note, record, path, ticks, sections of either form."""
    if data[:1] == b"{":
        need(len(data) <= 8388608, FORM)
        doc = read_json(data, 8388608)
        members(doc, "proof record sections subject ticks typ", FORM)
        need(doc["typ"] == "chemtrace/bundle/1" and isinstance(doc["sections"], list), FORM)
        need(isinstance(doc["record"], str) and isinstance(doc["ticks"], list), FORM)
        parts = proof_parts(doc["proof"])
        parts["record"] = doc["record"].encode()
        parts["sections"] = [section_of_text(one) for one in doc["sections"]]
        parts["ticks"] = []
        for tick in doc["ticks"]:
            members(tick, "index path record", FORM)
            need(isinstance(tick["path"], list) and isinstance(tick["record"], str), FORM)
            path = [hexes(one, 32, FORM) for one in tick["path"]]
            parts["ticks"].append((tick["index"], tick["record"].encode(), path))
        need(parts["sections"] and parts["sections"][0][0] == doc["subject"], FORM)
    else:
        need(data[:1] == b"\x88" and len(data) <= 8388608, FORM)
        doc = read_cbor(data)
        need(len(doc) == 8, "cbor.invalid")
        need(doc[0] == "ctb1", FORM)
        sections = [section_of_cbor(one) for one in array(doc[7])]
        need(sections and sections[0][2], FORM)
        name, way, entries = sections[0]
        value = history_value([(index, h(b"\0", body)) for index, body, _ in entries])
        parts = rebuilt(doc, climb(name, value, way))
        parts["sections"] = sections
        parts["ticks"] = []
        for one in array(doc[6]):
            index, record, path = array(one, 3)
            parts["ticks"].append((number(index), octets(record), split(path)))
    check_parts(parts)
    return parts


def check_parts(parts: Parts) -> None:
    """Bounds and order."""
    names = []
    shown = 0
    need(len(parts["sections"]) <= 1024 and len(parts["ticks"]) <= 2048, FORM)
    for name, (depth, _, _), entries in parts["sections"]:
        need(0 <= depth <= 256 and entries, FORM)
        names.append(subject(name).encode())
        shown += len(entries)
        need(all(whole(index, 0, MAX_INT) for index, _, _ in entries), FORM)
    need(shown <= 20000 and names[1:] == sorted(set(names[1:])) and names[0] not in names[1:], FORM)
    for index, _, path in parts["ticks"]:
        need(whole(index, 0, MAX_INT) and len(path) <= 63, FORM)
    need(len(parts["path"]) <= 63, FORM)


def proof_parts(text: Any) -> Parts:
    """A tlog-proof: index, path, checkpoint."""
    need(isinstance(text, str), FORM)
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    bad = "proof.shape"
    need(gap and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 2, bad)
    extra = lines[1].startswith("extra ")
    if extra:
        del lines[1]
    need(len(lines) >= 2 and re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[1], re.ASCII), bad)
    path = [b64(line, bad) for line in lines[2:]]
    need(all(len(one) == 32 for one in path) and len(path) <= 63, bad)
    parts = note_parts(*read_note(note.encode()))
    need(not extra and int(lines[1][6:]) == parts["size"] - 1, FORM)
    return {**parts, "path": path}


def note_parts(text: str, lines: list[tuple[str, bytes, bytes]]) -> Parts:
    """A checkpoint without extension lines."""
    origin, size, root = read_checkpoint(text)
    need(text.count("\n") == 3 and 1 <= size <= MAX_INT, FORM)
    return {"text": text, "lines": lines, "origin": origin, "size": size, "root": root}


def section_of_text(section: Any) -> tuple[str, Any, list[Any]]:
    """subject, map path, entries (index, bytes, payload)."""
    members(section, "entries map subject", FORM)
    need(isinstance(section["entries"], list) and isinstance(section["subject"], str), FORM)
    entries = []
    for entry in section["entries"]:
        members(entry, "entry index payload", FORM)
        need(whole(entry["index"], 0, MAX_INT), FORM)
        payload = None if entry["payload"] is None else b64u(entry["payload"])
        entries.append((entry["index"], b64u(entry["entry"]), payload))
    return section["subject"], map_of_text(section["map"]), entries


def map_of_text(way: Any) -> tuple[int, bytes, list[bytes]]:
    """depth, bitmap, siblings."""
    members(way, "bitmap depth siblings", FORM)
    need(whole(way["depth"], 0, 256) and isinstance(way["bitmap"], str), FORM)
    need(isinstance(way["siblings"], list) and len(way["siblings"]) <= 256, FORM)
    bitmap = hexes(way["bitmap"], len(way["bitmap"]) // 2, FORM)
    return way["depth"], bitmap, [hexes(one, 32, FORM) for one in way["siblings"]]


def section_of_cbor(item: Any) -> tuple[str, Any, list[Any]]:
    """The same of the compact form."""
    name, way, entries = array(item, 3)
    shown = []
    for one in array(entries):
        index, body, payload = array(one, 3)
        shown.append((number(index), octets(body), None if payload is None else octets(payload)))
    need(isinstance(name, str), "cbor.invalid")
    return name, map_of_cbor(way), shown


def map_of_cbor(item: Any) -> tuple[int, bytes, list[bytes]]:
    """depth, bitmap, siblings."""
    depth, bitmap, siblings = array(item, 3)
    return number(depth), octets(bitmap), split(siblings)


def rebuilt(doc: list[Any], map_root: bytes) -> Parts:
    """What follows from origin, size, lines, epoch, path and the map's root."""
    _, origin, size, lines, epoch, path, *_ = doc
    need(isinstance(origin, str), "cbor.invalid")
    count, at, previous, subjects, chain = array(epoch, 5)
    size, previous = number(size), None if previous is None else number(previous)
    first, last = (0 if previous is None else previous + 1), size - 2
    if first > last:
        first = last = None  # type: ignore[assignment]  # both null
    need(len(octets(chain)) == 32, "cbor.invalid")
    import json

    record = json.dumps(
        {
            "chain": chain.hex(),
            "first": first,
            "last": last,
            "log_time": spelled(number(at)),
            "map_root": map_root.hex(),
            "number": number(count),
            "previous": previous,
            "subjects": number(subjects),
            "typ": "chemtrace/epoch/1",
        },
        separators=(",", ":"),
    ).encode()
    way = split(path)
    need(size >= 1, "proof.shape")
    import base64

    root = base64.b64encode(up(record_leaf(record), size - 1, size, way)).decode()
    text = f"{origin}\n{size}\n{root}\n"
    found = []
    for line in array(lines):
        name, body = array(line, 2)
        need(isinstance(name, str) and len(octets(body)) >= 5, "cbor.invalid")
        found.append((name, body[:4], body[4:]))
    again = "".join(f"\u2014 {name} {base64.b64encode(a + b).decode()}\n" for name, a, b in found)
    need(read_note(f"{text}\n{again}".encode()) == (text, found), FORM)
    parts = note_parts(text, found)
    return {**parts, "record": record, "path": way}


def array(item: Any, count: int | None = None) -> list[Any]:
    """An array, of so many."""
    need(isinstance(item, list) and count in (None, len(item)), "cbor.invalid")
    return list(item)


def number(item: Any) -> int:
    """An unsigned integer that JSON can carry too."""
    need(whole(item, 0, MAX_INT), "cbor.invalid")
    return int(item)


def octets(item: Any) -> bytes:
    """A byte string."""
    need(isinstance(item, bytes), "cbor.invalid")
    return bytes(item)


def split(item: Any) -> list[bytes]:
    """Hashes one after another."""
    data = octets(item)
    need(len(data) % 32 == 0, "cbor.invalid")
    return [data[at : at + 32] for at in range(0, len(data), 32)]


# ---------------------------------------------------------------------- trees


def up(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root an inclusion path leads to, RFC 9162 section 2.1.3.2."""
    need(0 <= index < size, "proof.shape")
    fn, sn, node = index, size - 1, leaf
    for sibling in path:
        need(sn != 0, "proof.shape")
        if fn & 1 or fn == sn:
            node = h(b"\x01", sibling, node)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = h(b"\x01", node, sibling)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "proof.shape")
    return node


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 root over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return h(b"\x01", mth(leaves[:k]), mth(leaves[k:]))


def history_value(leaves: list[tuple[int, bytes]]) -> bytes:
    """subject-tree.md and map.md: the value of a history."""
    indexes = [index for index, _ in leaves]
    need(indexes == sorted(set(indexes)), "bundle.order")
    root = mth([h(b"\0", index.to_bytes(8, "big"), leaf) for index, leaf in leaves])
    return len(leaves).to_bytes(8, "big") + root + indexes[-1].to_bytes(8, "big")


def climb(name: str, value: bytes, way: tuple[int, bytes, list[bytes]]) -> bytes:
    """map.md: the map root that a path leads to."""
    depth, bitmap, siblings = way
    bits = "".join(f"{byte:08b}" for byte in bitmap)
    bad = "map.proof"
    need(depth <= 256 and len(bitmap) == -(-depth // 8) and "1" not in bits[depth:], bad)
    need(bits.count("1") == len(siblings) and bytes(32) not in siblings, bad)
    need(depth == 0 or bits[0] == "1", bad)
    key = h(name.encode())
    way_down = "".join(f"{byte:08b}" for byte in key)
    node, left = h(b"\0", key, h(value)), list(siblings)
    for step in range(depth):
        sibling = left.pop(0) if bits[step] == "1" else bytes(32)
        pair = (sibling, node) if way_down[depth - 1 - step] == "1" else (node, sibling)
        node = h(b"\x01", *pair)
    return node


# ---------------------------------------------------------------------- steps 2 and 3


def check_signed(parts: Parts, trust: Parts, now_us: int | None) -> Parts:
    """Checkpoint and record."""
    need(parts["origin"] == trust["origin"], "checkpoint.invalid")
    log = read_vkey(trust["log"])
    witnesses = trust["policy"].witnesses if trust["policy"] else {}
    seen = []
    times = {}
    for name, key_hash, signature in parts["lines"]:
        need((name, key_hash) not in seen, FORM)
        seen.append((name, key_hash))
        if (name, key_hash) == log[:2]:
            need(ed25519(log[3], parts["text"].encode(), signature), "note.signature")
            continue
        who = [one for one, key in witnesses.items() if key[:2] == (name, key_hash)]
        need(who, "bundle.signature-unneeded")
        times[who[0]] = cosigned_at(witnesses[who[0]], parts["text"], signature)
    need(log[:2] in seen, "note.signature")
    need(not trust["policy"] or trust["policy"].met(set(times)), "policy.unmet")
    record = check_record(parts["record"], parts["size"] - 1, parts["path"], parts)
    need(record["map_root"] is not None, "map.proof")
    said = [time for name, time in times.items() if name in trust["mirrors"]]
    mirrors = [time for time in said if now_us is None or (time - 300) * 1_000_000 <= now_us]
    as_of = max(mirrors) * 1_000_000 if mirrors else moment(record["log_time"])
    return {"record": record, "mirrors": mirrors, "ahead": len(said) > len(mirrors), "as_of": as_of}


def check_record(data: bytes, index: int, path: list[bytes], parts: Parts) -> Parts:
    """A record that covers what it should and stands in the tree."""
    record = read_record(data)
    previous = record["previous"]
    first = 0 if previous is None else previous + 1
    wanted = (None, None) if first > index - 1 else (first, index - 1)
    need((record["first"], record["last"]) == wanted, "evidence.epoch")
    need(previous is None or previous < index, "evidence.epoch")
    root = up(record_leaf(data), index, parts["size"], path)
    need(root == parts["root"], "proof.root-mismatch")
    return record


def check_age(signed: Parts, trust: Parts, now_us: int | None) -> list[str]:
    """Step 10; the codes of what was not checked."""
    known = now_us is not None and trust["max_age_s"] is not None
    if known:
        need(now_us - signed["as_of"] <= trust["max_age_s"] * 1_000_000, "bundle.stale")
    clock = ["mirror-clock"] if signed["ahead"] else []
    return ([] if signed["mirrors"] else ["mirror"]) + clock + ([] if known else ["age"])


def verdict(parts: Parts, signed: Parts, gaps: list[str], **facts: Any) -> Parts:
    """What the vectors state."""
    mirrored = bool(signed["mirrors"])
    return {
        "size": parts["size"],
        "as_of_us": signed["as_of"],
        "included": "yes",
        "complete": "yes" if mirrored else "as_operator_states",
        "current": "as_of" if mirrored else "as_operator_states",
        "not_checked": gaps,
        **facts,
    }


# ---------------------------------------------------------------------- the bundle


def bundle(data: bytes, trust: Parts, now_us: int | None) -> Parts:
    """bundle.md."""
    parts = bundle_parts(data)
    signed = check_signed(parts, trust, now_us)
    records = {parts["size"] - 1: signed["record"]}
    below = -1
    for index, record, path in parts["ticks"]:
        need(below < index < parts["size"] - 1, "bundle.order")
        records[index] = check_record(record, index, path, parts)
        below = index
    histories = read_histories(parts, bytes.fromhex(signed["record"]["map_root"]))
    for history in histories.values():
        for entry in history:
            read_payload(entry)
    check_sections(parts["sections"][0][0], histories)
    keys = {
        name[4:]: fold_key(name[4:], history) for name, history in histories.items() if name[:4] == "key:"
    }
    unused = {index for index, _, _ in parts["ticks"]}
    for history in histories.values():
        for entry in history:
            check_signers(entry, keys, trust["authority"], records, unused)
    need(not unused, FORM)
    for history in histories.values():
        for entry in history:
            for kid, signature in entry["signatures"]:
                key = keys[kid]
                message = pae("application/vnd.chemtrace.header+json", entry["bytes"])
                fits = verify(key["algorithm"], key["raw"], key["sm2_id"], message, signature)
                need(fits, "signature.invalid")
    late = check_age(signed, trust, now_us)
    return bundle_verdict(parts, signed, histories, late)


def bundle_verdict(parts: Parts, signed: Parts, histories: Parts, late: list[str]) -> Parts:
    """The verdict and what was not checked."""
    name = parts["sections"][0][0]
    hidden = [
        (of, entry) for of, history in histories.items() for entry in history if entry["payload"] is None
    ]
    gaps = ["truth", "later", "rules"] + (["payloads"] if hidden else [])
    packed = [1 for of, entry in hidden if ":" not in of and is_pack(entry["header"])]
    gaps += (["containers"] if packed else []) + late
    facts = {
        "subject": name,
        "count": len(histories[name]),
        "last": histories[name][-1]["index"],
        "authentic": "yes",
    }
    return verdict(parts, signed, gaps, **facts)


def is_pack(header: Parts) -> bool:
    """Whether something was packed."""
    return bool((header["kind"], header["phase"]) == ("pack", "done"))


def read_histories(parts: Parts, map_root: bytes) -> dict[str, list[Parts]]:
    """Step 4."""
    histories: dict[str, list[Parts]] = {}
    for name, way, entries in parts["sections"]:
        history: list[Parts] = []
        below = -1
        for index, body, payload in entries:
            need(below < index <= parts["size"] - 2, "bundle.order")
            header_bytes, signatures = read_entry(body)
            need(not header_bytes.endswith(b',"typ":"chemtrace/epoch/1"}'), "header.invalid")
            header = read_header(header_bytes)
            need([kid for kid, _ in signatures] == header["signers"], "signature.count")
            named = [one for one in header["subjects"] if one["id"] == name]
            ids = [one["id"] for one in history]
            event = h(header_bytes).hex()
            need(named and event not in ids, "bundle.order")
            need(named[0]["prev"] in (None, *ids), "bundle.event-omitted")
            history.append(
                {
                    "index": index,
                    "id": event,
                    "leaf": h(b"\0", body),
                    "header": header,
                    "bytes": header_bytes,
                    "signatures": signatures,
                    "payload": payload,
                    "facts": {},
                }
            )
            below = index
        value = history_value([(one["index"], one["leaf"]) for one in history])
        need(climb(name, value, way) == map_root, "bundle.subject-root")
        histories[name] = history
    leaves: dict[int, bytes] = {}
    for history in histories.values():
        for one in history:
            need(leaves.setdefault(one["index"], one["leaf"]) == one["leaf"], "bundle.order")
    return histories


def read_payload(entry: Parts) -> None:
    """Step 5: the members that are read go into `facts`."""
    if entry["payload"] is None:
        return
    wanted, kind = entry["header"]["payload"], entry["header"]["kind"]
    same = (h(entry["payload"]).hex(), len(entry["payload"])) == (wanted["sha256"], wanted["size"])
    need(same, "payload.digest-mismatch")
    value = read_json(entry["payload"], 262144)
    bad = "payload.invalid"
    need(isinstance(value, dict), bad)

    def text(name: str, form: str, *, missing: bool = False) -> None:
        found = value.get(name)
        if not (missing and found is None):
            need(isinstance(found, str) and re.fullmatch(form, found, re.DOTALL), bad)

    text("on_behalf_of", ".*", missing=True)
    if is_pack(entry["header"]):
        text("container", ".*")
        try:
            subject(value["container"])
        except Refused as error:
            raise Refused(bad) from error
        need(":" not in value["container"], bad)
    if kind == "key":
        text("kid", "[0-9a-f]{64}")
        text("replaces", "[0-9a-f]{64}", missing=True)
        text("party", f"[{ALPHABET}]{{18}}")
        text("role", "authority|recovery|enterprise|device|log|receipt")
        text("algorithm", "ed25519|p256|sm2")
        text("spki", "[A-Za-z0-9_-]{1,16384}")
        text("sm2_id", r"[ !#-\[\]-~]{0,64}", missing=True)
        names = value.get("namespaces", [])
        need(isinstance(names, list) and all(isinstance(one, str) for one in names), bad)
        if value.get("grace_end") is not None:
            moment(value["grace_end"], bad)
    if kind == "device":
        text("kid", "[0-9a-f]{64}", missing=True)
    entry["facts"] = value


def check_sections(name: str, histories: dict[str, list[Parts]]) -> None:
    """Step 6."""
    wanted, queue = {name}, [name]
    while queue:
        at = queue.pop()
        found = set()
        for entry in histories.get(at, []):
            facts, header = entry["facts"], entry["header"]
            found |= {f"key:{kid}" for kid in header["signers"]}
            if ":" not in at and is_pack(header) and facts and facts["container"] != at:
                found.add(facts["container"])
            registers = (header["kind"], header["phase"]) == ("key", "register") and facts
            if registers and at == f"key:{facts['kid']}" and facts["role"] in ("authority", "recovery"):
                found |= {f"key:{facts['replaces']}"} if facts.get("replaces") else set()
        queue += found - wanted
        wanted |= found
    need(wanted <= histories.keys(), "bundle.section-missing")
    need(histories.keys() <= wanted, FORM)
    for history in histories.values():
        for entry in history:
            shown = entry["header"]["kind"] not in ("key", "device") or entry["payload"] is not None
            need(shown, "bundle.section-missing")


def fold_key(kid: str, history: list[Parts]) -> Parts:
    """Step 7; an empty dictionary for a key that is never registered."""
    key: Parts = {}
    silent: list[int] = []
    for entry in history:
        facts, phase, index = entry["facts"], entry["header"]["phase"], entry["index"]
        if entry["header"]["kind"] == "device":
            need(facts.get("kid") == kid, "bundle.order")
            silent += [index] if phase == "revoke" else []
        elif entry["header"]["kind"] != "key":
            continue
        elif phase == "register" and facts["kid"] == kid:
            need(not key, "key.taken")
            algorithm, raw = read_spki(b64u(facts["spki"]))
            need(h(b64u(facts["spki"])).hex() == kid and algorithm == facts["algorithm"], "key.spki")
            key = {**facts, "raw": raw, "index": index, "sm2_id": facts.get("sm2_id") or ""}
        elif phase == "register" and facts.get("replaces") == kid:
            need(key, "key.unknown")
            if facts["role"] == key["role"] and key["role"] in ("authority", "recovery"):
                need("replaced" not in key, "registry.conflict")
                key["replaced"] = index
        elif phase in ("retire", "compromised") and facts["kid"] == kid:
            need(key, "key.unknown")
            same = all(facts[one] == key[one] for one in ("party", "role", "algorithm"))
            need(same and "compromised" not in key, "registry.conflict")
            if phase == "compromised":
                key["compromised"] = index
                silent.append(index)
            else:
                at = moment(entry["header"]["iat"])
                end = moment(facts["grace_end"]) if facts.get("grace_end") else at
                need("retired" not in key and at <= end <= at + 72 * 3600 * 1_000_000, "registry.conflict")
                key.update(retired=index, retired_us=at, end_us=end)
        else:
            raise Refused("bundle.order")
    if key and silent:
        key["silent"] = min(silent)
    return key


def check_signers(
    entry: Parts, keys: dict[str, Parts], pinned: str, records: dict[int, Parts], unused: set[int]
) -> None:
    """Step 8."""
    index, header, facts = entry["index"], entry["header"], entry["facts"]
    if index == 0:
        founds = (header["kind"], header["phase"]) == ("key", "register") and facts["kid"] == pinned
        need(founds and header["signers"] == [pinned], "key.role")
        return
    for kid in header["signers"]:
        key = keys[kid]
        need(key, "key.unknown")
        need(key["index"] < index, "key.before-registration")
        need(key.get("silent", index) >= index, "key.revoked")
        if key.get("retired", index) < index:
            need(moment(header["iat"]) <= key["retired_us"], "key.retired")
            need(time_before(index, records, unused) < key["end_us"], "key.retired")
        need(key["party"] == header["enterprise"], "key.foreign")
        need(may_sign(entry, key, keys, pinned), "key.role")
        party = facts.get("on_behalf_of")
        if party is not None:
            spoken = party.split(":")
            need(
                spoken[0] == "ext" and len(spoken) > 1 and spoken[1] in key.get("namespaces", []),
                "key.foreign",
            )


def time_before(index: int, records: dict[int, Parts], unused: set[int]) -> int:
    """The log's time when an entry came in."""
    closing = [
        at for at, one in records.items() if one["first"] is not None and one["first"] <= index <= one["last"]
    ]
    need(closing, "bundle.section-missing")
    previous = records[closing[0]]["previous"]
    unused.discard(closing[0])
    if previous is None:
        return 0
    need(previous in records, "bundle.section-missing")
    unused.discard(previous)
    return moment(records[previous]["log_time"])


def may_sign(entry: Parts, key: Parts, keys: dict[str, Parts], pinned: str) -> bool:
    """Whether the role of a key may sign this kind."""
    kind, index = entry["header"]["kind"], entry["index"]
    if kind not in AUTHORITY_KINDS:
        return key["role"] in ("enterprise", "device") or (kind == "alert" and key["role"] == "authority")
    root = kind == "key" and entry["facts"]["role"] in ("authority", "recovery") and index > 1
    if key["role"] != ("recovery" if root else "authority") or key.get("replaced", index) < index:
        return False
    founder = keys.get(pinned) or {"index": None, "party": None}
    while True:
        before = keys.get(key.get("replaces") or "")
        linked = before and (before["role"], before["party"]) == (key["role"], key["party"])
        if linked and before and before.get("replaced") == key["index"] and before["index"] < key["index"]:
            key = before
            continue
        if founder["index"] != 0 or founder["party"] != key["party"]:
            return False
        return bool(key["index"] == 1 if key["role"] == "recovery" else key["kid"] == pinned)


# ---------------------------------------------------------------------- the status proof


def status(data: bytes, trust: Parts, now_us: int | None) -> Parts:
    """status.md."""
    parts = status_parts(data)
    signed = check_signed(parts, trust, now_us)
    need(parts["last"] <= parts["size"] - 2, "bundle.order")
    need(parts["count"] >= 1 and parts["last"] >= parts["count"] - 1, "map.proof")
    value = parts["count"].to_bytes(8, "big") + parts["subject_root"] + parts["last"].to_bytes(8, "big")
    need(climb(parts["subject"], value, parts["map"]).hex() == signed["record"]["map_root"], "map.proof")
    gaps = ["truth", "later", "rules", "events", *check_age(signed, trust, now_us)]
    facts = {name: parts[name] for name in ("subject", "count", "last")}
    return verdict(parts, signed, gaps, authentic="not_said", **facts)


def status_parts(data: bytes) -> Parts:
    """Step 1 of a status proof."""
    if data[:1] == b"{":
        need(len(data) <= 65536, FORM)
        doc = read_json(data, 65536)
        members(doc, "count last map proof record root subject typ", FORM)
        need(doc["typ"] == "chemtrace/status/1" and isinstance(doc["record"], str), FORM)
        need(whole(doc["count"], 0, MAX_INT) and whole(doc["last"], 0, MAX_INT), FORM)
        parts = proof_parts(doc["proof"])
        parts.update(record=doc["record"].encode(), subject=subject(doc["subject"]), count=doc["count"])
        parts.update(last=doc["last"], subject_root=hexes(doc["root"], 32, FORM), map=map_of_text(doc["map"]))
        return parts
    from_code = data[:5] == b"CTS1:"
    if from_code:
        need(len(data) <= 4296, FORM)
        need(data.isascii(), "base45.invalid")
        data = read_base45(data[5:].decode())
    need(len(data) <= 65536 and (from_code or data[:1] == b"\x8b"), FORM)
    doc = array(read_cbor(data), 11)
    need(doc[0] == "cts1", FORM)
    name, count, root, last, way = (
        doc[6],
        number(doc[7]),
        octets(doc[8]),
        number(doc[9]),
        map_of_cbor(doc[10]),
    )
    need(isinstance(name, str) and len(root) == 32, "cbor.invalid")
    need(count >= 1 and last >= count - 1, "map.proof")
    value = count.to_bytes(8, "big") + root + last.to_bytes(8, "big")
    parts = rebuilt(doc, climb(name, value, way))
    need(not from_code or all(len(line[2]) in (64, 72) for line in parts["lines"]), FORM)
    need(way[0] <= 256 and len(parts["path"]) <= 63, FORM)
    parts.update(subject=subject(name), count=count, last=last, subject_root=root, map=way)
    return parts
