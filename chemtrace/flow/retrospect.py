"""Findings that a later event brings up on an earlier one: the earlier event as if it were seen now."""

from __future__ import annotations

import msgspec

from chemtrace.flow.observation import Observation


def own_findings(obs: Observation) -> Observation:
    """The observation with the findings on its own event alone."""
    own = tuple([finding for finding in obs.findings if finding.index == obs.event.index])
    return msgspec.structs.replace(obs, findings=own)


def looked_back(obs: Observation, index: int, leaf: str) -> Observation:
    """The older event at `index` with its new findings; the evidence exists from the receipt of the new event on.

    Only the codes with findings are in it, with no sighting and no waybill: those were judged in their time. The
    states are the present ones; `precedence.cause` takes holder and status as of the event from the findings.
    """
    event = obs.older[index]
    findings = tuple([finding for finding in obs.findings if finding.index == index])
    codes = [code for code in dict.fromkeys(finding.code for finding in findings) if code in obs.before]
    return Observation(
        event=msgspec.structs.replace(event, received_us=obs.event.received_us, position=None, late=True),
        before={code: msgspec.structs.replace(obs.after[code], seen=None) for code in codes},
        after={code: obs.after[code] for code in codes},
        findings=findings,
        issued=obs.issued,
        log_time_us=obs.log_time_us,
        leaf=leaf,
    )
