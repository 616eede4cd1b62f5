"""Requests that Python answers: each in a thread of a pool, or as a task of an asyncio loop of their own. The peers' loop never waits for Python."""
from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional, Union

from . import _core
from ._values import Reply

Answer = Optional[Union[bytes, Reply]]
Answerer = Union[Callable[["Exchange"], Answer], Callable[["AsyncExchange"], Awaitable[Answer]]]

WORKERS = 256
"""Requests that wait in a synchronous function at once, at most; more wait for their turn."""
PATIENCE = 1.0
"""Seconds that async functions have to notice that the run is over; then they are cancelled."""


class _Facts:
    """What is known of the request when its header section has arrived."""

    def __init__(self, handover: _core.Handover) -> None:
        self._handover = handover
        self._read = b""
        self.origin: str = handover.origin
        self.method: str = handover.method
        self.target: str = handover.target
        self.fields: list[tuple[str, str]] = handover.fields
        self.serial: str = handover.serial
        """What a field Badorigin-Serial of the answer should say, so that packets show which answer was delivered."""
        self.index: int = handover.index
        """Of the request on its connection, from 0."""

    @property
    def gone(self) -> bool:
        """The connection has ended, or the run has: nothing more can be said."""
        return self._handover.gone

    def write(self, what: bytes) -> None:
        """Raw bytes; queued, and sent in order with what else is done."""
        self._handover.write(what)

    def close(self) -> None:
        """FIN behind what was written. What the peer still sends can be read."""
        self._handover.close()

    def reset(self) -> None:
        """RST behind what was written."""
        self._handover.reset()


class Exchange(_Facts):
    """A request on an origin, and the connection to answer it by. Methods block with the GIL released."""

    def read(self) -> bytes:
        """The next raw bytes as they came, the request line first; b"" where none will come: the request is whole, or its connection over."""
        piece = self._handover.read()
        self._read += piece
        return piece

    def read_all(self) -> bytes:
        """All bytes of the request, or as many as came."""
        while self.read():
            pass
        return self._read

    @property
    def head(self) -> bytes:
        """Start line and header section as they came, with the empty line."""
        while b"\r\n\r\n" not in self._read and self.read():
            pass
        return self._read.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def sleep(self, seconds: float) -> bool:
        """Waits on the run's clock, which virtual time lets pass at once; False where the connection was reset meanwhile."""
        return self._handover.sleep(seconds)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece


class AsyncExchange(_Facts):
    """The same for async functions."""

    async def read(self) -> bytes:
        """As `Exchange.read`."""
        piece = await asyncio.get_running_loop().run_in_executor(None, self._handover.read)
        self._read += piece
        return piece

    async def read_all(self) -> bytes:
        """As `Exchange.read_all`."""
        while await self.read():
            pass
        return self._read

    async def sleep(self, seconds: float) -> bool:
        """As `Exchange.sleep`; asyncio.sleep counts real time, which a run with virtual time waits for."""
        return await asyncio.get_running_loop().run_in_executor(None, self._handover.sleep, seconds)


class Answerers:
    """Takes requests out of the queue and hands them to their functions. `resolve` makes a Reply what the core can send."""

    def __init__(self, resolve: Callable[[Reply], _core.Script]) -> None:
        self.queue = _core.HandoverQueue()
        self.error: BaseException | None = None
        self._resolve = resolve
        self._functions: list[Any] = []
        self._pool: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dispatcher: threading.Thread | None = None
        self._runner: threading.Thread | None = None

    def add(self, function: Answerer) -> int:
        """The key that the queue gives back."""
        if not self._dispatcher:
            self._pool = ThreadPoolExecutor(WORKERS, "badorigin-answer")
            self._dispatcher = _started(self._dispatch)
        self._functions.append(function)
        if inspect.iscoroutinefunction(function) and self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_default_executor(self._pool)
            self._runner = _started(self._loop.run_forever)
        return len(self._functions) - 1

    def take_error(self) -> BaseException | None:
        """What a function raised first, once."""
        error, self.error = self.error, None
        return error

    def close(self) -> None:
        """Ends the threads; requests that are being answered find their connection gone. Call after the stage is down."""
        self.queue.close()
        if self._dispatcher:
            self._dispatcher.join()
        if self._loop:
            asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result()
        if self._pool:
            self._pool.shutdown(wait=True)
        if self._loop and self._runner:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._runner.join()
            self._loop.close()
        self._dispatcher = self._runner = self._pool = self._loop = None

    def _dispatch(self) -> None:
        assert self._pool
        while (taken := self.queue.next()) is not None:
            key, handover = taken
            function = self._functions[key]
            if inspect.iscoroutinefunction(function) and self._loop:
                asyncio.run_coroutine_threadsafe(self._answer_async(function, handover), self._loop)
            else:
                self._pool.submit(self._answer, function, handover)

    def _answer(self, function: Any, handover: _core.Handover) -> None:
        try:
            self._send(handover, function(Exchange(handover)))
        except BaseException as error:  # noqa: BLE001: whatever it is, the step that asked raises it
            self._failed(handover, error)
        finally:
            handover.done()

    async def _answer_async(self, function: Any, handover: _core.Handover) -> None:
        try:
            self._send(handover, await function(AsyncExchange(handover)))
        except asyncio.CancelledError:
            handover.reset()
        except BaseException as error:  # noqa: BLE001
            self._failed(handover, error)
        finally:
            handover.done()

    def _send(self, handover: _core.Handover, answer: Answer) -> None:
        if isinstance(answer, Reply):
            handover.answer(self._resolve(answer))
        elif isinstance(answer, (bytes, bytearray, memoryview)):
            handover.write(bytes(answer))
        elif answer is not None:
            raise TypeError(f"a function that answers requests returns bytes, a Reply or nothing, not {type(answer).__name__}")

    def _failed(self, handover: _core.Handover, error: BaseException) -> None:
        self.error = self.error or error
        handover.reset()


def _started(what: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=what, name="badorigin-origins", daemon=True)
    thread.start()
    return thread


async def _end_tasks() -> None:
    """Of this loop, all others."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=PATIENCE)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
