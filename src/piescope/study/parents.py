"""What a step reads: the finished steps that it hangs on, by their role. Loads no torch."""

from __future__ import annotations

from piescope.store.artefacts import Artefact, Store
from piescope.study.plan import Ref, Step

Files = dict[str, bytes]
"""What a step makes: the files of its artefact, by name."""


class Parents:
    """A step's parents, read from the store by role."""

    def __init__(self, step: Step, store: Store) -> None:
        self._roles = step.parents
        self._store = store
        self._read: dict[Ref, Artefact] = {}

    def refs(self, role: str) -> list[Ref]:
        """The parents of a role, in the order of the replicates."""
        return list(self._roles[role])

    def all(self, role: str) -> list[Artefact]:
        """Their artefacts."""
        return [self.load(ref) for ref in self._roles[role]]

    def one(self, role: str) -> Artefact:
        """The only artefact of a role."""
        (ref,) = self._roles[role]
        return self.load(ref)

    def load(self, ref: Ref) -> Artefact:
        """A finished step's artefact, the same one however often it is asked for."""
        if ref not in self._read:
            self._read[ref] = self._store.load(ref.kind, ref.key)
        return self._read[ref]

    def contents(self) -> dict[str, str]:
        """What every parent is: its key to its manifest's `content`."""
        return {ref.key: self.load(ref).manifest.content for refs in self._roles.values() for ref in refs}
