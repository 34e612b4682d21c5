"""The closed and the open loop, which send conversations inside one event loop."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections.abc import Coroutine, Iterator, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sagellm_benchmark.address import Address
from sagellm_benchmark.client.connection import Clock, Connection, Dials, Exchange
from sagellm_benchmark.client.pool import Pool
from sagellm_benchmark.client.prepared import Job, Prepared
from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.client.spool import Spool, answer_of

if TYPE_CHECKING:
    from sagellm_benchmark.client.terms import Conversations, Limits, Target
    from sagellm_benchmark.workload.schedule import Schedule

_TIMER_S = 0.0015  # how late a timer may fire
_PAUSE_S = 0.1  # after a failure, if only the clock ends the load
_CLOSING_S = 0.1  # within this time, the news arrives that an idle connection was closed
_PACED_S = 1.0  # after this time, the pace of the clock may be known better
_AHEAD_S = 0.25  # an open loop keeps idle connections for requests that are due this soon


class Load:
    """The conversations at `indices`, sent by a schedule; every finished request goes to the spool."""

    def __init__(
        self,
        conversations: Conversations,
        indices: Iterator[int],
        schedule: Schedule,
        target: Target,
        limits: Limits,
        spool: Spool,
        clock: Clock = monotonic,
    ) -> None:
        self._clock = clock
        self._schedule = schedule
        self._limits = limits
        self._spool = spool
        self._where = Address.parse(target.base_url)
        self._prepared = Prepared(conversations, indices, target, self._where, clock)
        self._pool = Pool()
        self._busy: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._helpers: list[asyncio.Task[None]] = []
        self._bug: BaseException | None = None
        self.endless = False  # whether only the clock ends the load
        self.origin = 0.0  # the moment of our clock at which the load began
        self.pace = 1.0  # seconds of our clock in one second of the run
        self.begun = 0  # requests, as are `done` and `failed`
        self.done = 0
        self.failed = 0
        self.stopped = False
        self._finished_tokens = 0
        self._due = math.inf  # when the next conversation of an open loop is due
        self._sequences = 0  # a closed loop's streams, or an open loop's conversations, that are in progress
        self._exchanging = 0  # how many of them wait for a connection or an answer

    @property
    def owes(self) -> bool:
        """Whether a request is overdue: it is due or its stream is free, and it has not been sent."""
        return self._clock() > self._due or self._sequences > self._exchanging

    @property
    def tokens(self) -> int:
        """About how many tokens were generated so far: one per read of an answer in flight, as none is decoded."""
        return self._finished_tokens + sum(connection.tokens for connection in self._busy)

    # Before the clock starts.

    def prepare(self) -> int | None:
        """Build requests ahead, as far as memory allows; return their number if those are all of them, else None."""
        return self._prepared.prepare(endless=self.endless)

    async def connect(self, dialer: Dials, first: Connection, connections: int) -> None:
        """Open idle connections in advance. If one cannot be opened now, it is opened when it is needed."""
        await self._pool.connect(dialer, first, connections)

    # While it runs.

    async def run(self, streams: range) -> None:
        """Send everything and wait for every answer. `streams` are the numbers of a closed loop's streams."""
        self._spawn(self._open() if self._schedule.due_s is not None else self._closed(streams))
        while self._tasks:
            await asyncio.wait(self._tasks)
        for helper in self._helpers:
            helper.cancel()
        self.close()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close
        if self._bug is not None:
            raise self._bug

    def spawn_helper(self, work: Coroutine[None, None, None]) -> None:
        """Run a coroutine alongside the load; it is cancelled when the load ends."""
        self._helpers.append(asyncio.get_running_loop().create_task(work))

    def stop(self) -> None:
        """Stop sending; requests in flight are recorded as interrupted and their connections closed."""
        self.stopped = True
        for connection in tuple(self._busy):
            connection.stop(Failure.INTERRUPTED, "stopped before the answer was complete")
        for task in tuple(self._tasks):
            task.cancel()

    def close(self) -> None:
        """Drop every connection."""
        self._pool.close()
        for connection in tuple(self._busy):
            connection.close()

    async def _closed(self, streams: range) -> None:
        """Start one stream per turn of the event loop, so that reads can come between the first writes."""
        for stream in streams:
            await self._until(self._schedule.stagger_s * stream)
            self._follow(self._stream(stream))

    async def _stream(self, stream: int) -> None:
        connection = self._pool.take()
        while not self._over() and (job := self._prepared.take()) is not None:
            failed = self.failed
            connection = await self._converse(job, connection, stream, None)
            if self.endless and self.failed > failed:
                await asyncio.sleep(_PAUSE_S)
        self._pool.put(connection)

    async def _open(self) -> None:
        """Start each conversation when it is due, whether or not earlier ones have ended."""
        due_s = self._schedule.due_s or ()
        limit = math.inf if self._schedule.duration_s is None else self._schedule.duration_s
        while not self.stopped and (job := self._prepared.take()) is not None and due_s[job.index] < limit:
            self._due = self._moment(due_s[job.index])
            await self._until(due_s[job.index])
            self._follow(self._one(job, self._pool.take(), self._moment(due_s[job.index])))
            if self._pool.ready < due_soon(due_s, job.index + 1):
                self._spawn(self._pool.grow())
        self._due = math.inf

    async def _one(self, job: Job, connection: Connection | None, due: float) -> None:
        connection = await self._converse(job, connection, 0, due)
        self._pool.put(connection)

    async def _converse(
        self, job: Job, connection: Connection | None, stream: int, due: float | None
    ) -> Connection | None:
        """Send the turns of one conversation, up to the first that fails; return a connection to use again, if any."""
        request, answers, asked_before = job.first, list[str](), 0
        for number, turn in enumerate(job.conversation):
            exchange = Exchange(
                job.index, number, stream, due, asked_before + turn.input_tokens, turn.output_tokens
            )
            connection = await self._begin(exchange, request, connection)
            if number + 1 == len(job.conversation) or exchange.failure is not None or self.stopped:
                break
            answer = answer_of(exchange)
            if answer.failure is not None:
                break
            answers.append(answer.said or answer.text)
            asked_before = exchange.asked_input_tokens + (answer.completion_tokens or turn.output_tokens)
            request = self._prepared.request(job.conversation[: number + 2], answers)
            due = None if due is None else exchange.end
        return connection

    async def _begin(
        self, exchange: Exchange, request: bytes, connection: Connection | None
    ) -> Connection | None:
        self.begun += 1
        self._exchanging += 1
        try:
            return await self._exchange(exchange, request, connection)
        finally:
            self._exchanging -= 1

    async def _exchange(
        self, exchange: Exchange, request: bytes, connection: Connection | None
    ) -> Connection | None:
        """Send one request over the connection if it is still usable, else over a new one; return it as `_converse`."""
        exchange.resend = connection is not None and connection.usable
        if not exchange.resend:
            connection = await self._dial(exchange)
        if connection is None:
            return None
        if exchange.due is not None:
            exchange.stream = connection.number
        self._busy.add(connection)
        try:
            await connection.send(exchange, request, self._limits.request_s, self._finished)
        finally:
            self._busy.discard(connection)
        if _closed_while_idle(exchange):
            exchange.failure = exchange.detail = None
            return await self._exchange(exchange, request, None)
        return connection if connection.usable else None

    async def _dial(self, exchange: Exchange) -> Connection | None:
        """Return a new connection; if none can be opened, record the failure and return None."""
        exchange.start = self._clock()
        try:
            return await self._pool.dial()
        except OSError as error:
            exchange.failure, exchange.detail = Failure.CONNECT, f"no connection to {self._where}: {error}"
            exchange.end = self._clock()
            self._finished(exchange)
            return None

    def _finished(self, exchange: Exchange) -> None:
        if _closed_while_idle(exchange):
            return
        self.done += 1
        failed = exchange.failure is not None or exchange.status != 200
        self.failed += failed
        self._finished_tokens += 0 if failed else exchange.asked_output_tokens
        self._spool.write(exchange)
        if self._spool.broken is not None and not self.stopped:
            self.stop()

    # Small parts.

    def _over(self) -> bool:
        limit = self._schedule.duration_s
        return self.stopped or (limit is not None and self._clock() >= self._moment(limit))

    def _moment(self, run_s: float) -> float:
        """Return the moment of our clock at which `run_s` seconds of the run have passed, by the pace known now."""
        return self.origin + self.pace * run_s

    async def _until(self, run_s: float) -> None:
        """Wait for a moment of the run; even if it has passed, let the event loop turn once.

        The event loop's timers are precise to a millisecond or two; a thread's sleep does the rest.
        """
        await asyncio.sleep(0)
        while (left := self._moment(run_s) - self._clock()) > 0:
            if left > 2 * _TIMER_S:
                await asyncio.sleep(min(left - _TIMER_S, _PACED_S))
            else:
                await asyncio.get_running_loop().run_in_executor(None, sleep, left)

    def _follow(self, work: Coroutine[None, None, None]) -> None:
        """Spawn a task that sends one request after another, and count it for as long as it runs."""

        def over(_task: asyncio.Task[None]) -> None:
            self._sequences -= 1

        self._sequences += 1
        self._spawn(work).add_done_callback(over)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None and self._bug is None:
            self._bug = bug
            self.stop()


def due_soon(due_s: Sequence[float], index: int) -> int:
    """Return how many requests of an open loop, from `index` on, are due within _AHEAD_S of that one."""
    return bisect_right(due_s, due_s[index] + _AHEAD_S, index) - index if index < len(due_s) else 0


def _closed_while_idle(exchange: Exchange) -> bool:
    """Return whether an idle connection turned out to be closed when the request was sent.

    If it is closed later than _CLOSING_S, the server had the request and dropped it, which is a failure.
    """
    unread = exchange.resend and exchange.failure is Failure.CUT_OFF and exchange.status is None
    return unread and exchange.end - exchange.start < _CLOSING_S
