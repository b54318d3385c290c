"""An account kept in another way than the lane's: by the fate of every single offset. Shares no code with forwarder/lane."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable

from forwarder.model.event import TP
from forwarder.progress.checkpoint import AccountRecord


class Fates:
    """What became of each offset of one partition, as far as the books know. `judged`: wanted by the filter when it was read.

    `phantom`: lost without ever having been read, so that every offset counts as an event. `unsure`: the filter has changed and
    not everything below `seen` was judged again; until then the lane may only know how many are pending, not which.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.records: set[int] = set()
        self.judged: set[int] = set()
        self.settled: dict[int, str] = {}
        self.phantom: set[int] = set()
        self.unsure = False


class OtherBooks:
    """`save` and `crash` take the books back to the last checkpoint, as kill -9 does."""

    def __init__(self, tps: Iterable[TP]) -> None:
        self.fates = {tp: Fates() for tp in tps}
        self._saved = copy.deepcopy(self.fates)

    def save(self) -> None:
        self._saved = copy.deepcopy(self.fates)

    def crash(self) -> None:
        self.fates = copy.deepcopy(self._saved)

    def routed(self, tp: TP, start: int, end: int, records: set[int], wanted: set[int]) -> None:
        """The router has passed `[start, end)` while the lane was live."""
        fates = self.fates[tp]
        fates.seen = end
        fates.records |= records
        fates.judged |= wanted

    def fed(self, tp: TP, start: int, end: int, records: set[int], wanted: set[int], held: set[int]) -> None:
        """Catch-up has passed `[start, end)`; what is neither settled nor held was judged again."""
        fates = self.fates[tp]
        for offset in range(start, end):
            if offset not in fates.settled and offset not in held:
                fates.judged.discard(offset)
                fates.judged |= wanted & {offset}
        fates.records |= {offset for offset in records if start <= offset < end}
        fates.seen = max(fates.seen, end)

    def settle(self, tp: TP, offset: int, word: str) -> None:
        fates = self.fates[tp]
        assert offset in fates.judged, f"{offset} was wanted"
        assert offset not in fates.settled, f"{offset} has one outcome in the books"
        fates.settled[offset] = word

    def lose(self, tp: TP, start: int, end: int, held: set[int], word: str) -> int:
        """`[start, end)` will never be read. How many events are given up by that."""
        fates = self.fates[tp]
        lost = [o for o in range(start, end) if o not in fates.settled and o not in held]
        phantom = {offset for offset in lost if offset >= fates.seen}
        fates.phantom |= phantom
        fates.records |= phantom
        fates.judged |= phantom
        gone = [offset for offset in lost if offset in fates.judged]
        fates.settled.update(dict.fromkeys(gone, word))
        fates.seen = max(fates.seen, end)
        return len(gone)

    def blame(self, tp: TP, count: int, word: str) -> None:
        """That many of the newest losses were counted under another reason before, when nobody could know better."""
        settled = self.fates[tp].settled
        for offset in list(settled)[len(settled) - count :]:
            settled[offset] = word

    def look(self, tp: TP, behind: int | None, held: set[int], wanted: set[int]) -> None:
        """Is there anything to be read again that the present filter sees otherwise? Then the numbers settle at `seen`."""
        fates = self.fates[tp]
        if behind is None or behind >= fates.seen:
            fates.unsure = False
        else:
            waiting = fates.judged - set(fates.settled) - held
            missed = {offset for offset in wanted if behind <= offset < fates.seen} - fates.judged - held
            fates.unsure = fates.unsure or not waiting <= wanted or bool(missed)

    def check(self, tp: TP, told: AccountRecord) -> None:
        """The lane's account must say the same."""
        fates = self.fates[tp]
        by_word = Counter(fates.settled.values())
        said = Counter({"delivered": told.delivered})
        said.update({f"discarded {word}": count for word, count in (told.discarded or {}).items()})
        said.update({f"dead letter {word}": count for word, count in (told.dead_lettered or {}).items()})
        assert told.read == told.filtered + said.total() + told.pending
        assert told.read == len(fates.records)
        extra = said["discarded retention"] - by_word["discarded retention"]
        assert 0 <= extra <= told.doubtful, "so many may yet turn out not to be lost"
        said["discarded retention"] -= extra
        assert +said == +by_word
        if not fates.unsure:
            assert told.pending == len(fates.judged) - len(fates.settled) - extra
            assert told.filtered == len(fates.records - fates.judged)
