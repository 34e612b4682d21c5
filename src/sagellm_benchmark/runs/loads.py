"""One load of a run: which conversations it sends, and the folder that holds its recording until that is read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sagellm_benchmark.client.terms import Conversations, Observed, Order, Progress
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.runs.context import Context
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import Source
from sagellm_benchmark.workload.workloads import Conversation

RAW = "raw"  # the folder, in a run's folder, for what --keep-raw keeps
TIMER_S = 0.1  # how early a timer may fire


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat of the load; `first` is the position of its first conversation in the source."""

    number: int
    first: int
    observed: Observed


@dataclass(frozen=True, slots=True)
class Shifted:
    """A source's conversations from `first` on, cut to `turns` turns. Picklable, for client processes."""

    source: Source
    first: int
    turns: int | None = None

    def __call__(self, index: int) -> Conversation:
        """Return the conversation at position `first` + `index` of the source."""
        return self.source.conversation(self.first + index)[: self.turns]


def drive_load(
    context: Context,
    plan: Schedule,
    conversations: Conversations,
    count: int | None,
    raw: Path,
    on_progress: Callable[[Progress], None],
) -> Observed:
    """Send one load by the run's sender; its progress also states when the load ends, if that is known."""
    ends_s = plan.duration_s if plan.duration_s is not None or not plan.due_s else plan.due_s[-1]
    return context.sender.drive(
        Order(
            conversations,
            count,
            plan,
            context.target,
            context.spec.limits,
            raw,
            processes=context.spec.processes,
            keep_raw=context.spec.keep_raw,
        ),
        lambda progress: on_progress(replace(progress, ends_s=ends_s)),
    )


@contextmanager
def raw_folder(folder: Path, *, keep: bool = False) -> Iterator[Path]:
    """Give a folder for what a load records; after the block it is removed, or moved to `folder`/raw if it is kept."""
    try:
        made = tempfile.TemporaryDirectory(prefix=".raw-", dir=folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    with made as name:
        yield Path(name)
        if keep:
            shutil.move(name, folder / RAW)
            Path(name).mkdir()  # to be removed


def timed_out(context: Context, load: Observed) -> bool:
    """Return whether --timeout interrupted the load, and not the user."""
    limit = context.spec.limits.total_s
    return load.interrupted and limit is not None and load.elapsed_s >= limit - TIMER_S
