"""The process from which one is forked for each file: it has loaded what reading needs, and nothing else."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterable
from typing import BinaryIO, Final, NoReturn

from belisha.tlp import Label
from synapse_modules.scan import portrait, preview, stamping
from synapse_modules.scan.answer import INSIDE, LARGEST, PORTRAIT, PREVIEW, TEXT, Markings, as_line, as_text, from_order
from synapse_modules.scan.box import Bounds, close_all_but, confine, leave_network, offer_to_be_killed
from synapse_modules.scan.reading import load, most_memory, read, text_of
from synapse_modules.scan.system_calls import CAN_FILTER

#: How long after its time a reader is killed that did not end by itself, in seconds.
_GRACE: Final = 2


def serve(descriptor: int, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - it is frozen
    """Forks a reader for each file that comes, with what is asked of it and where to answer; until nobody is there."""
    with socket.socket(fileno=descriptor) as channel:
        markings = _markings(channel.recv(LARGEST))
        load(markings)
        portrait.load()
        stamping.load()
        preview.load()
        gc.freeze()
        offer_to_be_killed()
        has_left = leave_network()
        channel.send(json.dumps({"has_left_network": has_left, "filters_calls": CAN_FILTER}).encode())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        readers: dict[int, float] = {}
        while True:
            ready, _, _ = select.select([channel], [], [], 1.0)
            _reap(readers)
            if ready and not _take(channel, markings, bounds, readers):
                break
        for reader in readers:
            os.kill(reader, signal.SIGKILL)


def _markings(message: bytes) -> Markings:
    return {name: None if label is None else Label.parse(label) for name, label in json.loads(message).items()}


def _take(channel: socket.socket, markings: Markings, bounds: Bounds, readers: dict[int, float]) -> bool:
    message, descriptors, _, _ = socket.recv_fds(channel, LARGEST, 2)
    if not message:
        return False
    file, answer = descriptors
    reader = os.fork()
    if reader == 0:
        _work(message, file, answer, markings, bounds)
    readers[reader] = time.monotonic() + bounds.seconds + _GRACE
    os.close(file)
    os.close(answer)
    return True


def _work(message: bytes, file: int, answer: int, markings: Markings, bounds: Bounds) -> NoReturn:
    try:
        close_all_but(file, answer)
        confine(bounds)
        with os.fdopen(file, "rb") as opened, os.fdopen(answer, "wb") as given:
            given.writelines(_answer(message, opened, markings))
    finally:
        os._exit(0)


def _answer(message: bytes, file: BinaryIO, markings: Markings) -> Iterable[bytes]:
    if message == INSIDE:
        return [as_line(read(file, markings), most_memory())]
    if message == PORTRAIT:
        return [portrait.portrait(file)]
    if message == TEXT:
        return [as_text(*text_of(file))]
    if message.startswith(PREVIEW):
        # PDFium is not written in Python: only where it can call nothing else does it see files of strangers.
        if not CAN_FILTER:
            return []
        return [preview.preview(file, from_order(message.removeprefix(PREVIEW)))]
    return stamping.stamp(file, message)


def _reap(readers: dict[int, float]) -> None:
    now = time.monotonic()
    for reader, until in list(readers.items()):
        if until < now:
            os.kill(reader, signal.SIGKILL)
        if os.waitpid(reader, os.WNOHANG)[0]:
            del readers[reader]
