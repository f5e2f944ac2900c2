"""Writes contracts/openapi.json and docs/reference/http-api.md from the routes: `python -m tools.api_pages`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from chemtrace.bootstrap import Application
from chemtrace.entrypoints.api.app import create_app

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "contracts" / "openapi.json"
PAGE: Final = ROOT / "docs" / "reference" / "http-api.md"

_PUBLIC: Final = {
    "/log/checkpoint",
    "/log/tile/{level}/{path}",
    "/log/trust",
    "/v1/log/checkpoint",
    "/healthz",
    "/readyz",
    "/metrics",
}
_HEAD: Final = """\
# HTTP API · 接口

Made from the routes by `make pages`; a test keeps them equal. The whole description is
[`contracts/openapi.json`](../../contracts/openapi.json), served at `/openapi.json` and readable at `/docs`.

由路由生成，测试保证一致。完整描述见 `contracts/openapi.json`，服务运行时可在 `/docs` 阅读。

- **Who may · 权限.** A statement authenticates itself by its signatures and needs no token. Reading takes
  `Authorization: Bearer TOKEN` (`chemtrace keys token new`). The checkpoint and the health routes are public.
  提交凭签名，读取凭令牌，检查点公开。
- **Sending again · 重发.** The event id is the idempotency key: the first receipt comes back byte for byte, with 200 in
  place of 201. 重复提交返回首次回执。
- **Refusals · 拒收.** RFC 9457 problems (`application/problem+json`) with a stable [code](errors.md), what to do in
  `detail`, and both sides of a mismatch in `fields`. Nothing was changed. 拒收均带固定代码，账本不变。
- **Batches · 批量.** `application/x-ndjson`, at most 1,000 lines and 8 MiB, answered line by line in the same order:
  `{"line", "status", "receipt", "signature", "kid"}` or `{"line", "status", "problem"}`. 逐行应答。
- **Waiting for publication · 等待公布.** A receipt promises `publish_by`. With `Prefer: wait=N` (at most 60) the answer
  leaves once a published checkpoint covers the entry, and carries it: `checkpoint`, in a batch as a last line; then
  `Preference-Applied` says so. 加 `Prefer: wait=N` 可等到公布后再返回。
- **Proof files · 证明文件.** Bundles and status proofs come as text; `Accept: …+cbor` asks for the compact form, and
  `?qr=png` for the QR code of a status proof.
  [Prove an item's history](../howto/prove-an-item.md). 证明文件支持紧凑格式与二维码。
- **Pages · 翻页.** Lists answer with `next`, to be given as `cursor`; `limit` is 1 to 500. 以 `cursor` 翻页。
- **Order · 次序.** Ask `POST /v1/heads` for the heads of all subjects of an event and name them as `prev`. A head that
  moved meanwhile is 409 with the current heads for kinds that must be in order; sign again. 409 附当前链头，重签即可。
- **Asking again · 重复读取.** Events and proofs carry an `ETag`; sent back as `If-None-Match` it gets 304 while
  the answer is still the same. Answers beyond 1 kB travel as gzip to who takes that. 支持 `ETag` 与 gzip。
- **Limits · 限流.** Reading with a right token is not limited. Wrong tokens are, by address: 20 at once and one
  every 3 s, then 429 with `Retry-After`. 有效令牌不限流；错误令牌按地址限流。

The bytes of a statement are in [formats](formats.md), the payload of each kind in [events](events.md), a client in
[connect a scanner](../howto/connect-a-scanner.md).

## Send and ask · 一次提交

```sh
curl --data-binary @statement.json -H 'Content-Type: application/json' http://127.0.0.1:8080/v1/events
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/v1/items/$CODE/history
```

`chemtrace submit --save FILE` writes signed statements to send.

## Routes · 路由

| Route | What it does | Needs |
|---|---|---|
"""


def document() -> str:
    """The OpenAPI document as it is checked in; no ledger is needed for it."""
    return json.dumps(_described(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(_rows(_described()["paths"]))


def _described() -> dict[str, Any]:
    return create_app(cast("Application", None)).openapi()


def _rows(paths: dict[str, dict[str, Any]]) -> Iterator[str]:
    for path, methods in sorted(paths.items()):
        for method, operation in methods.items():
            needs = "a signature" if method == "post" else "" if path in _PUBLIC else "a token"
            needs = "a token" if path == "/v1/heads" else needs
            yield f"| `{method.upper()} {path}` | {operation.get('summary', '')} | {needs} |\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    PAGE.write_text(render(), encoding="utf-8")
