"""Reads all cards with all engines, on a process a core; each process draws the cards that it reads."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeAlias

import cv2

from bench.accuracy.cutouts import Example, wrong_fields
from bench.accuracy.levels import Level
from bench.accuracy.own import OwnFile, load_own
from bench.accuracy.readers import EngineName, Reader, open_reader
from bench.accuracy.samples import Sample, invent_sample
from bench.accuracy.verdicts import CardVerdict, judge_card
from bench.processes import cpu_seconds

#: s for one card with all engines, far more than any machine needs.
TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Invented:
    """A card to be drawn."""

    level: Level
    seed: int


#: What is to be read.
Job: TypeAlias = Invented | OwnFile


@dataclass(frozen=True, slots=True)
class Read:
    """One card, read with every engine."""

    verdicts: Sequence[CardVerdict]
    examples: Sequence[Example]


def read_all(jobs: Sequence[Job], engines: Sequence[EngineName], processes: int) -> Iterator[Read]:
    """Read every card, in no particular order.

    Raises:
        SettingsError: something that an engine needs is missing.
    """
    for name in engines:
        # Said here in one line; in a pool's process it would only break the pool.
        open_reader(name)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawning, initializer=_prepare, initargs=(tuple(engines),)) as pool:
        for future in as_completed([pool.submit(_read, job) for job in jobs]):
            yield future.result(TIMEOUT)


_readers: dict[EngineName, Reader] = {}


def _prepare(engines: Sequence[EngineName]) -> None:
    cv2.setNumThreads(1)
    _readers.update({name: open_reader(name) for name in engines})


def _read(job: Job) -> Read:
    sample = load_own(job) if isinstance(job, OwnFile) else invent_sample(job.level, job.seed)
    verdicts: list[CardVerdict] = []
    examples: list[Example] = []
    for name, reader in _readers.items():
        verdict, wrong = read_with(name, reader, sample)
        verdicts.append(verdict)
        examples += wrong
    return Read(verdicts, examples)


def read_with(name: EngineName, reader: Reader, sample: Sample) -> tuple[CardVerdict, Sequence[Example]]:
    """Read one card in one way and say what came of it."""
    # Children count as well: a driver, or what decodes files, may be a program of its own.
    before = cpu_seconds(os.getpid())
    answer = reader(sample.content, sample.document_type)
    verdict = judge_card(sample, name, answer, cpu_seconds(os.getpid()) - before)
    return verdict, wrong_fields(sample, answer, verdict)
