"""Long fuzzing, guided by coverage: `python tests/fuzz/fuzz.py http dns-udp --seconds 600`; without a name it lists the targets.

Each target runs in a process of its own under AddressSanitizer, so that a read or write out of bounds in native code ends it. What a
target raises is written down with its input and the run goes on. Corpora stay in build/fuzz/corpus and are gone on with next time;
findings are in build/fuzz/found/TARGET: the input, and beside it what happened. See docs/fuzzing.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from instrumented import FOLDER, build

RSS_MEBIBYTES = 2048
"""More memory is a finding. AddressSanitizer alone takes some hundred."""
ASAN = (
    *("detect_leaks=0", "allocator_may_return_null=1", "max_allocation_size_mb=1024", "handle_abort=1"),
    *("quarantine_size_mb=16", "malloc_context_size=2"),  # what makes it slow
)
HANG_SECONDS = 30
"""Of the wall clock, as libFuzzer counts it; what takes long on the processor is found by Target.cpu_seconds."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where targets that need files put them."""
HERE = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for. Exit status 1: something was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="targets; 'all' for all")
    parser.add_argument("--seconds", type=int, default=600, help="how long each runs (600)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args(argv)
    if options.child:
        child(options.names[0], options.names[1], rest)
        return 0
    known = known_targets()
    if not options.names:
        print("\n".join(known))
        return 0
    wanted = list(known) if options.names == ["all"] else options.names
    if unknown := set(wanted) - set(known):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    found = sum(run(name, sanitized() if known[name] else environment(), options.seconds) for name in wanted)
    return int(found > 0)


def known_targets() -> dict[str, bool]:
    """Name and whether it is native, from a process of their own: this one must not load pcapdig, which is not the instrumented one."""
    code = "import targets; print(*(f'{target.name}:{target.is_native}' for target in targets.TARGETS.values()))"
    found = subprocess.run([sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True)
    return {name: word == "True" for name, _, word in (each.partition(":") for each in found.stdout.split())}


def environment(tree: Path | None = None) -> dict[str, str]:
    """What a child process is given. Without `tree` it takes the package that this process would."""
    path = [str(HERE), *([str(tree)] if tree else []), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": ":".join(filter(None, path)), "OPENBLAS_NUM_THREADS": "1"}


def sanitized() -> dict[str, str]:
    """What a child process with AddressSanitizer is given besides."""
    code = "import atheris; print(atheris.path())"
    folder = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    return {
        **environment(build()),
        "LD_PRELOAD": f"{folder}/asan_with_fuzzer.so",
        "PYTHONMALLOC": "pymalloc",  # twice malloc's speed here; inputs have memory of their own (target.exact)
        "ASAN_OPTIONS": ":".join(ASAN),
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def run(name: str, surroundings: dict[str, str], seconds: int) -> int:
    """Fuzz one target and print one line on it. Returns the number of different findings."""
    corpus, found = FOLDER / "corpus" / name, FOLDER / "found" / name
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    before, started = set(found.iterdir()), time.monotonic()
    executions, cpu = 0, processor_seconds()
    log = FOLDER / f"{name}.log"
    with log.open("wb") as lines:
        # A crash of native code ends the process; the time that is left is the next one's.
        while (left := seconds - (time.monotonic() - started)) > 1:
            start = lines.tell()
            command = [sys.executable, __file__, "--child", name, str(corpus), f"-max_total_time={int(left)}"]
            command += [f"-artifact_prefix={found}/", f"-rss_limit_mb={RSS_MEBIBYTES}", f"-timeout={HANG_SECONDS}"]
            with tempfile.TemporaryDirectory(prefix="pcapdig-fuzz-", dir=MEMORY) as place:
                subprocess.run(command, env=surroundings | {"TMPDIR": place}, stdout=lines, stderr=lines, check=False)
            text = log.read_bytes()[start:].decode(errors="replace")
            executions += max(
                (int(n) for n in re.findall(r"^#(\d+)|^Done (\d+)", text, re.MULTILINE) for n in n if n), default=0
            )
            if not re.search(r"^#\d+", text, re.MULTILINE):  # it did not get to the first input
                print(text[-3000:], file=sys.stderr)
                return 1
    kinds = {path for path in found.iterdir() if path.suffix != ".txt"} - before
    spent = processor_seconds() - cpu
    print(
        f"{name}: {time.monotonic() - started:.0f} s ({spent:.0f} s of processor), {executions} executions, "
        f"{len(list(corpus.iterdir()))} inputs in the corpus, {len(kinds)} findings",
        flush=True,
    )
    return len(kinds)


def processor_seconds() -> float:
    """Of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def child(name: str, corpus_name: str, arguments: list[str]) -> None:
    """Be the fuzzing process."""
    import atheris

    with atheris.instrument_imports(include=["pcapdig", *(["dpkt"] if name == "tls" else [])]):
        import pkgutil

        import pcapdig

        recorder = (
            "pcapdig.record",
            "pcapdig.capture",
            "pcapdig.cli.recording",
            "pcapdig.cli.doctor",
            "pcapdig.__main__",
        )
        for module in pkgutil.walk_packages(pcapdig.__path__, "pcapdig."):
            if not module.name.startswith((*recorder, "pcapdig.tracer.")) or module.name == "pcapdig.tracer.events":
                __import__(module.name)
        from targets import TARGETS
    target = TARGETS[name]
    corpus = Path(corpus_name)
    for seed in target.seeds():
        (corpus / f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    words = FOLDER / f"{name}.words"
    words.write_text(
        "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words or (b"\0",))
    )
    found = Path(next(each for each in arguments if each.startswith("-artifact_prefix=")).partition("=")[2])
    seen: Counter[str] = Counter()

    def one(data: bytes) -> None:
        start = time.process_time()
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001  # any at all is a finding
            note(error, data, found, seen)
        spent = time.process_time() - start
        if spent > target.cpu_seconds:
            note(TimeoutError(f"{spent:.1f} s"), data, found, seen)

    atheris.Setup([sys.argv[0], f"-dict={words}", f"-max_len={target.longest}", *arguments, corpus_name], one)
    atheris.Fuzz()


def note(error: Exception, data: bytes, found: Path, seen: Counter[str]) -> None:
    """Write down what an input did, once for each place it can happen at."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    places = " ".join(f"{Path(frame.filename).stem}:{frame.lineno}" for frame in frames[-3:])
    kind = f"{type(error).__name__} {places}"
    seen[kind] += 1
    if seen[kind] > 1:
        return
    path = found / re.sub(r"[^\w.-]+", "-", kind)[:120]
    path.write_bytes(data)
    path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)))
    print(f"FOUND {path}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
