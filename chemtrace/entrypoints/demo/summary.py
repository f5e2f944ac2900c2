"""The demonstration told in some thirty lines, in Chinese and English, with what is worth opening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chemtrace.entrypoints.demo.run import Outcome


def summary_lines(outcome: Outcome, *, serving: bool) -> Iterator[str]:
    """The counts, the refusals, every planted story with its alert, and the pages worth opening."""
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
    if serving:
        yield ""
        yield from _pages(outcome)


def _stories(outcome: Outcome, *, serving: bool) -> Iterator[str]:
    yield "流向异常 · flow anomalies (planted → found):"
    for planted, code, alert in outcome.judged.found:
        found = "✗ 未发现 MISSED"
        if alert is not None:
            found = f"{outcome.url}/desk/alerts/{alert['id']}" if serving else f"✓ {alert['id'][:12]}…"
        yield f"  {planted.detector}  {planted.zh} · {planted.en} [{code}] {found}"
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
