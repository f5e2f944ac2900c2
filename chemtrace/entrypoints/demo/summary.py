"""The demonstration told in some forty lines, in Chinese and English, with what is worth opening."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chemtrace.entrypoints.demo.run import Outcome


def summary_lines(outcome: Outcome, *, serving: bool, kept: Path | None) -> Iterator[str]:
    """The counts, the refusals, every planted story with its alert, the pages worth opening or how to have them.

    `kept` is the folder in which the ledger stays, None where it goes. An address ends its line and is never folded.
    """
    report = outcome.report
    yield (
        f"一周演示 · a week in the demo city (seed {report['seed']}, {report['seconds']} s):"
        f" {report['enterprises']} 家企业 enterprises, {report['items']} 件物品 items,"
        f" {report['events']} 条事件 events, {report['waybills']} 张运单 waybills,"
        f" {report['labels_decoded']} 张标签打印后读回 labels printed and read back"
    )
    yield (
        f"迟报 late {report['late_events']} · 重发得原回执 resent, first receipt {report['duplicates_answered']} ·"
        f" 拒收 refused {sum(report['refusals'].values())}:"
        f" {', '.join(f'{code} {count}' for code, count in report['refusals'].items())}"
    )
    yield ""
    yield from _stories(outcome, serving=serving)
    yield ""
    yield _verdict(report)
    yield ""
    if serving:
        yield from _pages(outcome)
    yield from _afterwards(serving=serving, kept=kept)


def _stories(outcome: Outcome, *, serving: bool) -> Iterator[str]:
    yield "流向异常 · flow anomalies (planted → found):"
    for planted, code, alert in outcome.judged.found:
        told = f"  {planted.detector}  {planted.zh} · {planted.en} [{code}]"
        if alert is None:
            yield f"{told} ✗ 未发现 MISSED"
        elif serving:
            yield f"{told} ✓"
            yield f"      {outcome.url}/desk/alerts/{alert['id']}"
        else:
            yield f"{told} ✓ {alert['id'][:12]}…"
    unexpected = len(outcome.judged.unexpected)
    yield f"  其他预警 other alerts: {unexpected}"


def _verdict(report: dict[str, Any]) -> str:
    checkpoint = report["checkpoint"]
    word = (
        "账本核验通过 the whole log verifies"
        if report["verified"]
        else "账本核验未通过 THE LOG DOES NOT VERIFY"
    )
    return (
        f"{word}: {checkpoint['size']} 条账目 entries, {report['epochs']} 个纪元 epochs,"
        f" root {checkpoint['root'][:16]}… ({checkpoint['origin']})"
    )


def _pages(outcome: Outcome) -> Iterator[str]:
    first = next((alert for _, _, alert in outcome.judged.found if alert is not None), None)
    yield f"  管理端 desk        {outcome.url}/desk"
    yield f"  访问令牌 token     {outcome.token}"
    yield f"  历史最长的一件     {outcome.url}/desk/items/{outcome.longest}"
    if first is not None:
        yield f"  一条预警 an alert  {outcome.url}/desk/alerts/{first['id']}"
    yield f"  标签页 label page  {outcome.url}/i/{outcome.longest}"
    yield f"  接口文档 API       {outcome.url}/docs"


def _afterwards(*, serving: bool, kept: Path | None) -> Iterator[str]:
    """Where the pages are to be had when this is over."""
    if kept is not None:
        folder = shlex.quote(str(kept))
        yield (
            f"账本已保留，查看网页 the ledger is kept; for its pages: chemtrace serve --data {folder}"
            f" · 令牌 token: chemtrace keys token new NAME --data {folder}"
        )
    elif not serving:
        yield (
            "账本已删除；在终端中运行且不带 --once 可查看网页"
            " the ledger is gone; for its pages run this at a terminal without --once, or keep it with --data DIR"
        )
