"""Live traffic: transactions as they are over."""
from __future__ import annotations

import collections
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType

from . import _core

SLICE = 0.1
"""Seconds in which a stop or a signal is noticed."""


class Following(Iterator[_core.Transaction]):
    """The transactions of live traffic, each once, about a second after it is over: an iterator that waits for the next one (other threads
    run meanwhile), and ends when `stop` is called or the deadline is over, after what is left. Made by `badorigin.follow`."""

    def __init__(self, interface: str, filter: str, proxies: Sequence[str], query: str | None, deadline: float | None) -> None:
        self._core = _core.Following(interface, filter, list(proxies), _core.Query(query) if query is not None else None)
        self._until = None if deadline is None else time.monotonic() + deadline
        self._ready: collections.deque[_core.Transaction] = collections.deque()
        self._stopped = threading.Event()
        self._ended = False

    def __next__(self) -> _core.Transaction:
        while not self._ready:
            if self._ended:
                raise StopIteration
            self._ready.extend(self._end() if self._is_time() else self._core.look(SLICE))
        return self._ready.popleft()

    def stop(self) -> None:
        """No more is captured; what is left is still given. From any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Ends the capture at once, and drops what is left. Called at the end of a `with` block."""
        if not self._ended:
            self._end()
        self._ready.clear()

    @property
    def kernel_drops(self) -> int:
        """Packets that the kernel had to drop, once it is over: what they carried is missing."""
        return self._core.kernel_drops

    def _is_time(self) -> bool:
        return self._stopped.is_set() or (self._until is not None and time.monotonic() >= self._until)

    def _end(self) -> list[_core.Transaction]:
        self._ended = True
        return self._core.end()

    def __enter__(self) -> Following:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def follow(interface: str = "lo", *, filter: str = "tcp", proxies: Sequence[str] = (), query: str | None = None,
           deadline: float | None = None) -> Following:
    """Captures on a live interface: `badorigin log --follow`.

        with bo.follow("eth0", filter="port 8080", query="RespStatus >= 500", deadline=60) as traffic:
            for transaction in traffic: …

    filter: as tcpdump's. proxies: "ADDRESS" or "ADDRESS:PORT" (default: found from the traffic). query: only transactions of which a record
    is in a group (by request) that it selects (docs/log.md). deadline: seconds from now. Raises SetUpError without the right to capture or
    for an interface that is none, ValueError for a wrong query.
    """
    return Following(interface, filter, proxies, query, deadline)
