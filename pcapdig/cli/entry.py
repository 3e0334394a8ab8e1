"""From argv to an exit status: every error of every room ends here.

In: argv, the process's streams. Out: an exit status. Must not know how anything is done.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import stat
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn, TextIO, overload

from pcapdig import __version__
from pcapdig.cli.book import Book
from pcapdig.cli.scanner import chisel_directories, scan
from pcapdig.cli.settings import Action, Settings, settle
from pcapdig.errors import PcapdigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 0
FAILED = 1
_NO_MEMORY = b"out of memory; what was done until then is shown. A filter, or fewer files at a time, need less\n"
INTERRUPTED = 130
"""What a shell gives a command that ended by SIGINT."""


_GC_THRESHOLDS = (200_000, 10, 10)
"""Objects more than before when the youngest are looked through (Python's default: 700), and how often that happens before older ones are. Half the
time of a log of many connections went there."""


@overload
def main() -> NoReturn: ...
@overload
def main(argv: Sequence[str]) -> int: ...
def main(argv: Sequence[str] | None = None) -> int:
    """Run pcapdig and give its exit status.

    Args:
        argv: words after the program's name. None: be the command, with the words this process was started with, and end the
            process. That goes without taking the interpreter apart piece by piece, which with numpy takes longer than many a dig:
            everything that has to be closed has been by then.
    """
    if argv is not None:
        return _status_of(argv)
    status = _status_of(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = status or FAILED
    os._exit(status)


def _status_of(argv: Sequence[str]) -> int:
    """Run a command line."""
    # numpy's OpenBLAS starts a thread per processor, which spins for a while; nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # start-up makes no garbage, and looking for some takes a tenth of it; `_started` ends this
    try:
        _prepare_streams()
        status = _run(settle(scan(argv, Book(chisel_directories(argv)))))
        sys.stdout.flush()
    except BrokenPipeError as error:
        _abandon_stdout()
        if isinstance(error.errno, int) and error.errno == errno.EAGAIN:  # patience.StalledError
            _complain(f"standard output: {error.strerror}; what it did not take is lost")
            return FAILED
        return DONE  # `| head` has seen what it wanted
    except (KeyboardInterrupt, BlockingIOError):  # the latter from what is still shown after a Ctrl-C
        _leave_stdout()
        return INTERRUPTED
    except MemoryError:
        return _without_memory()
    except ImportError as error:
        if "cannot allocate memory" not in str(error).lower() and "failed to map" not in str(error):
            raise
        return _without_memory()
    except PcapdigError as error:
        if os.environ.get("PCAPDIG_DEBUG"):
            import traceback

            traceback.print_exception(error)
        _complain(str(error), getattr(error, "detail", ""))
        return FAILED
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return _without_memory()
        _complain(f"{_place_of(error)}{error.strerror or error}")
        return FAILED
    finally:
        gc.enable()
    return status


def _without_memory() -> int:
    """Say that there is no more, with as little of it as can be."""
    with suppress(OSError, MemoryError):
        sys.stdout.flush()
    with suppress(OSError):
        os.write(2, _NO_MEMORY)
    return FAILED


def _place_of(error: OSError) -> str:
    """Where an error happened, as the beginning of its line. Files that are written say it themselves, so what is left is stdout."""
    if isinstance(error.filename, (str, bytes)):
        return f"{os.fsdecode(error.filename)}: "
    return "standard output: " if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO) else ""


def _started() -> None:
    """All is loaded: from here on there is garbage, but not among what is there now.

    What is read makes many objects and few circles, so they are looked for seldom.
    """
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


def _run(settings: Settings) -> int:
    """Do what the command line says, and give the exit status. Rooms are imported by those who need them."""
    action = settings.action
    if action is Action.HELP:
        from pcapdig.cli.help import help_text  # textwrap takes milliseconds that a dig need not wait

        print(help_text(), end="")
    elif action is Action.VERSION:
        print(f"pcapdig {__version__}")
    elif action in (Action.LIST_CHISELS, Action.DESCRIBE_CHISEL):
        _list_chisels(settings)
    elif action is Action.LIST_FIELDS:
        from pcapdig.filters.listing import field_list

        print(field_list(types=settings.show.verbose), end="")
    elif action is Action.SHOW_FORMAT:
        from pcapdig.dig.event_lines import DEFAULT_FORMAT

        print(DEFAULT_FORMAT)
    elif action is Action.DOCTOR:
        from pcapdig.cli.doctor import examine

        return DONE if examine(sys.stdout) else FAILED
    elif action in (Action.DIG, Action.COPY):
        from pcapdig.cli.digging import copy_files, dig_files

        if action is Action.COPY:
            _started()
            copy_files(settings, sys.stdout)
        else:
            if (
                signal.getsignal(signal.SIGINT) is signal.default_int_handler
            ):  # not where a shell or a program has its own
                with suppress(ValueError):  # nor in a thread of a program
                    signal.signal(signal.SIGINT, _interrupt)
            dig_files(settings, sys.stdout, _started)
    else:
        from pcapdig.cli.recording import record  # a dig must not load the recorder

        _started()
        record(settings, sys.stdout, sys.stderr)
    return DONE


def _list_chisels(settings: Settings) -> None:
    """Print -cl, or -i of one chisel.

    Raises:
        UsageError: there is no such chisel; of a list, after all that are whole: one of the user's is none.
    """
    from pcapdig.cli.listings import chisel_description, chisel_list

    book = Book(settings.chisel_directories)
    if settings.described is not None:
        print(chisel_description(book.find(settings.described)), end="")
        return
    whole, broken = [], []
    for name in book.names():
        try:
            whole.append(book.find(name))
        except UsageError as error:
            broken.append(error)
    print(chisel_list(whole), end="")
    if broken:
        raise broken[0]


def _prepare_streams() -> None:
    """Let a stream that cannot show a character show its code in its place, rather than fail.

    One that was closed (`>&-`) leads nowhere: else the next file opened would get its descriptor, and our text.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str, detail: str = "") -> None:
    """Print an error, on one line, with the lines that show the place after it. What stdout still holds comes first."""
    from pcapdig.render.data import printable

    try:
        sys.stdout.flush()
    except OSError:  # a full disk, or a reader that left: it is told once, or not at all
        _abandon_stdout()
    lines = [printable(message), *map(printable, detail.splitlines())]
    print("\n".join(lines), file=sys.stderr)


def _interrupt(number: int, frame: object) -> NoReturn:
    """Ctrl-C while a dig is shown: what is still written goes as far as its reader takes it at once."""
    with suppress(OSError):
        if not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            os.set_blocking(sys.stdout.fileno(), False)
    raise KeyboardInterrupt


def _leave_stdout() -> None:
    """Write what stdout still holds, if its reader takes it at once: after a Ctrl-C nobody is waited for."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:
        return  # a stream of a test, without a descriptor
    os.set_blocking(descriptor, False)
    try:
        sys.stdout.flush()
        is_lost = False
    except OSError:
        is_lost = True
    os.set_blocking(descriptor, True)  # others may write there too
    if is_lost:
        _abandon_stdout()
        _complain("standard output: its reader takes nothing; what it did not take is lost")


def _abandon_stdout() -> None:
    """Point stdout nowhere, so that flushing what is left at exit cannot fail again."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:
        return  # a stream of a test, without a descriptor
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
