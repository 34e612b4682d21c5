"""What the page says of each row: its columns, rank and faults, worked out once here and only shown there. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Row, entry_id
from sagellm_benchmark.board.plausible import implausible
from sagellm_benchmark.board.schema import problems
from sagellm_benchmark.board.standing import Tier
from sagellm_benchmark.files import inert
from sagellm_benchmark.site.gather import Board, TakenBack
from sagellm_benchmark.site.scope import Interval, Scope, interval, natural, number, ranks, scope
from sagellm_benchmark.words import retold, speaking

Card = dict[str, Any]

_POISSON = re.compile(r"(\d+(?:\.\d*[1-9])?)(?:\.0+)?/s poisson 1(?:\.0)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S = 253_402_300_799.0  # the last second of the year 9999


def cards(board: Board) -> list[Card]:
    """Return a card for each row: ranked ones first, scope by scope, and in a scope by rank.

    `key` names it in links.
    """
    found = [(scope(entry.identity), _card(entry, board)) for entry in board.best]
    scopes: defaultdict[Scope, list[Card]] = defaultdict(list)
    for place, card in found:
        scopes[place].append(card)
    for rows in scopes.values():
        _rank(rows)
    ordered = sorted(
        scopes.items(), key=lambda item: (not any(row["rank"] for row in item[1]), natural(item[0]))
    )
    for at, (place, rows) in enumerate(ordered):
        for row in rows:
            row |= {
                "scope": at,
                "group": _group(place),
                "peers": sum(other["rank"] is not None for other in rows),
            }
    shown = [row for _, rows in ordered for row in sorted(rows, key=_place)]
    _name(shown)
    return shown


def in_chinese(shown: Iterable[Card]) -> dict[str, str]:
    """Return the Chinese of every reason that a card gives; what there is none of is left out."""
    said = {text for card in shown for text in (*card["against"], *_own_reasons(card["record"]))}
    with speaking("zh"):
        told = {text: retold(text) for text in sorted(said)}
    return {text: chinese for text, chinese in told.items() if chinese != text}


def _own_reasons(row: Any) -> list[str]:
    validity = _object(row, "validity") if isinstance(row, dict) else {}
    lists = (validity.get(name) for name in ("reasons", "not_checked"))
    return [text for one in lists if isinstance(one, list) for text in one if isinstance(text, str)]


def taken_back(board: Board) -> list[Card]:
    """Return what the page says of the rows that were withdrawn."""
    return [_taken_back(one) for one in board.withdrawn]


def _taken_back(one: TakenBack) -> Card:
    key = None if one.entry is None else one.entry.identity
    return {
        "id": one.entry_id,
        "engine": "" if key is None else key.engine,
        "model": one.withdrawal.configuration if key is None else key.model,
        "hardware": "" if key is None else key.chip_model,
        "workload": "" if key is None else _lengths(key.workload, key.input_length, key.output_length),
        "tps": None if one.entry is None else one.entry.throughput_tps,
        "date": one.published_at[:10],
        "by": one.withdrawal.by,
        "reason": one.withdrawal.reason,
        "record": None if one.entry is None else inert(one.entry.text).decode(),
    }


def against(row: Any) -> list[str]:
    """Return why a row would not come onto the board today, its numbers first; the maintainers' own mark on it is no
    fault.
    """
    metadata = row.get("metadata") if isinstance(row, dict) else None
    if isinstance(metadata, dict) and metadata.get("verified") is True:
        row = {**row, "metadata": {**metadata, "verified": False}}
    return [*implausible(row), *map(str, problems(row))]


def _card(entry: Entry, board: Board) -> Card:
    row, key = entry.row_or_nothing, entry.identity
    metrics, work = _object(row, "metrics"), _object(row, "workload")
    rate, gap = interval(metrics), number(metrics.get("tpot_ms")) or number(metrics.get("tbt_ms"))
    chips = int(key.chip_count) if key.chip_count.isdecimal() and len(key.chip_count) < 10 else None
    tps = number(metrics.get("throughput_tps"))
    return {
        "id": entry.entry_id,
        "engine": key.engine if row else "",  # what is no row is no older one of ours either
        "version": key.engine_version or key.sagellm_version,
        "model": key.model,
        "hardware": key.chip_model + (f" ×{key.chip_count}" if key.chip_count not in ("", "1") else ""),
        "nodes": key.node_count if key.is_multi_node else "1",
        "precision": " ".join(part for part in (key.precision, key.quantization) if part),
        "workload": _lengths(key.workload, key.input_length, key.output_length),
        "load": _load(key.concurrency),
        "streams": number(work.get("concurrent_requests")),
        "tps": tps,
        "low": rate.low if rate and rate.known else None,
        "high": rate.high if rate and rate.known else None,
        "ttft": number(metrics.get("ttft_ms")),
        "tbt": number(metrics.get("tbt_ms")),
        "errors": number(metrics.get("error_rate")),
        "weights": key.weights,
        "tier": tier(entry),
        "date": _date(entry.submitted_at),
        "per_chip": tps / chips if tps is not None and chips else None,
        "per_user": 1000 / gap if gap else None,
        "submitter": str(_object(row, "metadata").get("submitter") or ""),
        "against": against(entry.row),
        "beaten": [_beaten(other) for other in board.beaten.get(key, ())],
        "record": entry.row,
    }


def tier(entry: Entry) -> str:
    """Return how well a row is backed: by a maintainer, else by what the dataset knows of it, whatever the row itself
    says.
    """
    return "verified" if entry.is_verified else Tier(entry.place.tier).name.lower()


def _beaten(entry: Entry) -> Card:
    metrics = _object(entry.row_or_nothing, "metrics")
    names = {"tps": "throughput_tps", "ttft": "ttft_ms", "errors": "error_rate"}
    values = {short: number(metrics.get(name)) for short, name in names.items()}
    return {"id": entry.entry_id, "date": _date(entry.submitted_at), **values}


def _name(rows: list[Card]) -> None:
    """A row is called by its id; by its content's, where it has none or another row's."""
    taken: set[str] = set()
    for row in rows:
        row["key"] = row["id"] if row["id"] and row["id"] not in taken else entry_id(row["record"])
        taken.add(row["key"])


def _rank(rows: list[Card]) -> None:
    """Rank the rows of one scope that today's checks find nothing against."""
    sound = [row for row in rows if not row["against"] and row["tps"] is not None]
    known = [Interval(row["low"] or row["tps"], row["high"] or row["tps"]) for row in sound]
    for row in rows:
        row["rank"] = None
    for row, rank in zip(sound, ranks(known), strict=True):
        row["rank"] = rank


def _place(row: Card) -> tuple[Any, ...]:
    return row["rank"] is None, row["rank"] or 0, -(row["tps"] or 0), row["engine"], row["version"], row["id"]


def _group(place: Scope) -> str:
    """Return the name of what one picture shows, as people would say it; rows without a name stand alone."""
    model, precision, quantization, weights, workload, tokens_in, tokens_out, dataset, batch, unnamed = (
        place.group
    )
    said = (
        model,
        precision,
        quantization,
        weights if weights != "real" else "",
        _lengths(workload, tokens_in, tokens_out),
        dataset,
        f"batch {batch}" if batch not in ("", "1") else "",
        unnamed[:8],
    )
    return " · ".join(part for part in said if part) or "?"


def _lengths(workload: str, tokens_in: str, tokens_out: str) -> str:
    lengths = f"{tokens_in or '?'}→{tokens_out or '?'}" if tokens_in or tokens_out else ""
    return " ".join(part for part in (workload, lengths) if part)


def _load(stated: str) -> str:
    """Return a load as people say it: Poisson arrivals are the usual ones of an open loop, and go without saying."""
    found = _POISSON.fullmatch(stated)
    return stated if found is None else f"{found[1]}/s"


def _date(moment: float | None) -> str | None:
    if moment is None or moment < 0:
        return None
    return f"{_EPOCH + timedelta(seconds=min(moment, _LATEST_S)):%Y-%m-%d %H:%M}"


def _object(row: Row, name: str) -> Row:
    value = row.get(name)
    return value if isinstance(value, dict) else {}
