"""Wiring the gathering of cosignatures: policy, HTTP client, thread, and what monitors are told of it."""

from __future__ import annotations

from chemtrace.adapters.http.witness_client import HTTPWitnessCaller
from chemtrace.adapters.witness_gatherer import WitnessGatherer, WitnessStatus
from chemtrace.core.errors import SettingError
from chemtrace.core.note import NoteVerifier
from chemtrace.core.policy import Policy
from chemtrace.ledger.ports import Clock, Store
from chemtrace.ledger.witnessing import WitnessCaller

__all__ = ["Witnesses"]


class Witnesses:
    """The witnesses of a policy at work; start it, wake it after each checkpoint, stop it."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        *,
        required: bool,
        log: NoteVerifier,
        mirrors: tuple[str, ...] = (),
        caller: WitnessCaller | None = None,
    ) -> None:
        """Prepare.

        Raises:
            SettingError: a witness whose address is not one of HTTP, or a policy of other logs than `log`,
                or one of `mirrors` that is no witness of it.
        """
        logs = [one.verifier for one in policy.logs]
        if logs and log not in logs:
            raise SettingError(
                "the policy names logs, and this log's key is not among them",
                setting="policy",
                expected=log.vkey,
                found=tuple(one.vkey for one in logs),
            )
        for witness in policy.witnesses:
            if witness.url is not None and not witness.url.startswith(("https://", "http://")):
                raise SettingError(
                    f"the address of witness {witness.name} is not one of HTTP",
                    setting="policy",
                    found=witness.url,
                )
        names = tuple(one.name for one in policy.witnesses)
        strange = tuple(name for name in mirrors if name not in names)
        if strange:
            raise SettingError(
                f"{', '.join(strange)} in mirrors is no witness of the policy: write a name that stands there",
                setting="mirrors",
                found=strange,
                expected=names,
            )
        self._policy = policy
        self._mode = "required" if required else "open"
        self._client = None if caller is not None else HTTPWitnessCaller()
        self._gatherer = WitnessGatherer(
            store=store, policy=policy, caller=caller or self._client or HTTPWitnessCaller(), clock=clock
        )

    def start(self) -> None:
        """Begin to gather."""
        self._gatherer.start()

    def wake(self) -> None:
        """Something was published; from any thread, never waits."""
        self._gatherer.wake()

    def stop(self) -> None:
        """End after the requests in hand."""
        self._gatherer.stop()
        if self._client is not None:
            self._client.close()

    @property
    def satisfied_size(self) -> int:
        """Size of the newest checkpoint that satisfies the policy, 0 before there is one."""
        return self._gatherer.satisfied_size

    @property
    def statuses(self) -> tuple[WitnessStatus, ...]:
        """How it stands with each witness that is asked."""
        return self._gatherer.statuses()

    def health(self) -> dict[str, object]:
        """What `/readyz` says: `failing` holds our code of each witness that fails, `said` its own reason."""
        size, satisfied = self._gatherer.gathered_size, self._gatherer.satisfied_size
        return {
            "mode": self._mode,
            "quorum": self._policy.describe(),
            "satisfied": satisfied >= size,
            "satisfied_size": satisfied,
            "size": size,
            "failing": {one.name: one.code for one in self.statuses if one.code is not None},
            "said": {one.name: one.said for one in self.statuses if one.said is not None},
        }
