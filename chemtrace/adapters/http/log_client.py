"""The HTTP client of a log's files: checkpoint, tiles, entry bundles, the authority's payloads; nothing is believed.

Every answer is bounded in time and size. Full tiles never change, so the ones used last are kept.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

from chemtrace.adapters.http.body import read_capped
from chemtrace.core.bundle.model import MAX_BUNDLE_BYTES as MAX_BUNDLE_FILE_BYTES
from chemtrace.core.errors import (
    ChemtraceError,
    EntryFormatError,
    LogTruncatedError,
    ServerAnswerError,
    ServerRefusedError,
    ServerUnavailableError,
    SettingError,
    WireError,
)
from chemtrace.core.note import MAX_NOTE_BYTES
from chemtrace.core.tiles import WIDTH, bundle_path, parse_bundle, tile_path
from chemtrace.core.types import HASH_SIZE
from chemtrace.ledger.static import MAX_REGISTRY_RANGE, parse_registry_answer

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
PATIENCE_S: Final = 4.0
"""Seconds after which whoever waits is told for what."""
ANSWER_S: Final = 600.0
"""Seconds for the body of one answer as a whole."""
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + 0xFFFF)
MAX_PAYLOADS_BYTES: Final = 64 * 1024 * 1024
"""Answer to one question for payloads; a larger range is asked for in halves."""
KEPT_TILES: Final = 1024
"""Full tiles kept: 8 MiB."""


class HTTPLog:
    """The ports `mirror.ports.PublicLog` and `AuditedLog` over a log's address; safe for many threads."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing is sent. `url` is the address whose `/log/checkpoint` is the checkpoint.

        `waiting` is called with an address, from another thread, when its answer takes longer than some seconds.

        Raises:
            SettingError: no http or https address, or a token that would travel in the clear to another machine.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError("a log is reached at an http or https address", setting="log", found=url[:200])
        if token is not None and parts.scheme == "http" and not _is_here(parts.hostname):
            raise SettingError(
                "a token does not travel in the clear: give the log's https address",
                setting="log",
                found=url[:200],
            )
        headers = {"User-Agent": "chemtrace-mirror", "Accept-Encoding": "gzip, identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT, transport=transport, trust_env=False
        )
        self._tiles: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = waiting

    def checkpoint(self) -> bytes:
        """The newest signed note; raises `ServerUnavailableError`, `ServerRefusedError`, `ServerAnswerError`."""
        found = self._get("/log/checkpoint", MAX_NOTE_BYTES)
        if found is None:
            address = str(self._client.base_url.copy_with(username=None, password=None)).rstrip("/")
            raise ServerUnavailableError(
                f"nothing is at {address}/log/checkpoint (HTTP 404): --log is the address above /log, and of a log"
                " kept as files the folder above log is served; a new log has published no checkpoint yet"
                " / 该地址没有检查点：--log 填 /log 的上一级地址，静态目录应提供 log 的上一级；新账本可能尚未发布",
                asked=f"{address}/log/checkpoint",
                status=404,
            )
        return found

    def hash_tile(self, level: int, number: int, width: int) -> bytes:
        """The first `width` hashes of a tile; raises `LogTruncatedError` where the log does not give it."""
        with self._lock:
            full = self._tiles.get((level, number))
            if full is not None:
                self._tiles.move_to_end((level, number))
                return full[: width * HASH_SIZE]
        path = tile_path(level, number, width)
        data = self._file(path, WIDTH * HASH_SIZE)
        if len(data) != width * HASH_SIZE:
            raise LogTruncatedError(
                "the log gives a tile of another size",
                tile=path,
                expected=width * HASH_SIZE,
                found=len(data),
            )
        if width == WIDTH:
            with self._lock:
                self._tiles[level, number] = data
                if len(self._tiles) > KEPT_TILES:
                    self._tiles.popitem(last=False)
        return data

    def entry_bundle(self, number: int, width: int) -> tuple[bytes, ...]:
        """The first `width` entries of a bundle; raises `LogTruncatedError`, `ServerRefusedError`."""
        path = bundle_path(number, width)
        try:
            return parse_bundle(self._file(path, MAX_BUNDLE_BYTES))
        except EntryFormatError as error:
            raise LogTruncatedError(f"the log gives no entry bundle: {error.message}", tile=path) from error

    def registry_payloads(self, first: int, count: int) -> Mapping[int, bytes]:
        """Payloads of the authority's entries among `first` to `first + count - 1`, by index."""
        found: dict[int, bytes] = {}
        ranges = [
            (start, min(start + MAX_REGISTRY_RANGE, first + count))
            for start in range(first, first + count, MAX_REGISTRY_RANGE)
        ]
        while ranges:
            start, end = ranges.pop()
            try:
                payloads, after = self._registry(start, end)
            except ServerAnswerError as error:
                if "limit" not in error.fields or end - start == 1:
                    raise
                middle = (start + end) // 2
                ranges += [(start, middle), (middle, end)]
                continue
            found |= payloads
            if after is not None:
                ranges.append((after, end))
        return found

    def _registry(self, start: int, end: int) -> tuple[dict[int, bytes], int | None]:
        """The payloads that one answer gives for `start` to `end - 1`, and where it ended early."""
        path = f"/log/registry?first={start}&count={end - start}"
        try:
            payloads, after = parse_registry_answer(self._get(path, MAX_PAYLOADS_BYTES) or b"")
        except WireError as error:
            raise ServerAnswerError("the log's answer is not its registry", path=path) from error
        if after is not None and not start < after < end:
            raise ServerAnswerError(
                "the log sends the reader of its registry in circles", path=path, next=after
            )
        return {index: payload for index, payload in payloads.items() if start <= index < end}, after

    def bundle(self, subject: str) -> bytes:
        """The bundle of a subject; raises `LogTruncatedError` where the log gives none."""
        path = f"/v1/subjects/{quote(subject, safe=':')}/bundle"
        found = self._get(path, MAX_BUNDLE_FILE_BYTES)
        if found is None:
            raise LogTruncatedError(
                "the log gives no history of a subject that its entries name", subject=subject
            )
        return found

    def forget(self) -> None:
        """Forget the tiles kept: after a contradiction they are asked for again."""
        with self._lock:
            self._tiles.clear()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _file(self, path: str, limit: int) -> bytes:
        data = self._get(f"/log/{path}", limit)
        if data is None:
            raise LogTruncatedError("the log does not give what its checkpoint covers", tile=path)
        return data

    def _get(self, path: str, limit: int) -> bytes | None:
        """The body of a 200, None for a 404."""
        try:
            with self._told_when_slow(path), self._client.stream("GET", path) as response:
                status, data = response.status_code, _read(response, path, limit)
                after = response.headers.get("Retry-After", "")
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            raise ServerUnavailableError(self._silence(error), path=path) from error
        if status == httpx.codes.OK:
            return data
        if status != httpx.codes.NOT_FOUND:
            raise _refusal(status, path, after)
        return None

    def _silence(self, error: Exception) -> str:
        """Why there is no answer, and which option says where it was asked."""
        host = self._client.base_url.host
        if isinstance(error, httpx.ReadTimeout):
            return (
                f"the log at {host} (--log) was reached and is silent: no answer in {TIMEOUT.read:g} s"
                f" / 日志 {host}（--log）已连上但 {TIMEOUT.read:g} 秒无应答"
            )
        return (
            f"the log at {host} (--log) cannot be reached: {type(error).__name__}"
            f" / 无法连接日志 {host}（--log）"
        )

    @contextmanager
    def _told_when_slow(self, path: str) -> Iterator[None]:
        if self._waiting is None:
            yield
            return
        timer = threading.Timer(PATIENCE_S, self._waiting, (f"{self._client.base_url.host}{path}",))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(status: int, path: str, after: str) -> ChemtraceError:
    if status in (401, 403):
        return ServerRefusedError(
            "the log does not let us read: give a token that is valid there / 令牌无效，请换用有效的读取令牌",
            status=status,
            path=path,
        )
    if status in (408, 429) or status >= 500:
        wait_s = int(after) if after.isdecimal() and len(after) < 5 else None
        return ServerUnavailableError(
            f"the log cannot answer now (HTTP {status})", status=status, path=path, retry_after_s=wait_s
        )
    return ServerAnswerError(f"the answer (HTTP {status}) is not a log's", status=status, path=path)


def _read(response: httpx.Response, path: str, limit: int) -> bytes:
    data = read_capped(response, limit, ANSWER_S)
    if data is None:
        raise ServerAnswerError("the log's answer is too large", path=path, limit=limit)
    return data
