"""The detectors of the first flow anomalies, in the order in which they are asked; one file each."""

from __future__ import annotations

from typing import Final

from chemtrace.flow.detector import Detector
from chemtrace.flow.detectors import (
    backdating,
    chain_break,
    clone,
    double_sale,
    no_waybill,
    over_use,
    overdue_transit,
    receipt_difference,
    repack_gain,
    revived_code,
    skipped_step,
    unknown_code,
    waybill_mismatch,
)

DETECTORS: Final[tuple[Detector, ...]] = (
    unknown_code.DETECTOR,
    clone.DETECTOR,
    revived_code.DETECTOR,
    double_sale.DETECTOR,
    skipped_step.DETECTOR,
    over_use.DETECTOR,
    repack_gain.DETECTOR,
    receipt_difference.DETECTOR,
    overdue_transit.DETECTOR,
    no_waybill.DETECTOR,
    waybill_mismatch.DETECTOR,
    backdating.DETECTOR,
    chain_break.DETECTOR,
)
"""C1 to C5, Q1 to Q3, T1 to T3, D1 and D4."""
