"""The long run: one target after the other, guided by coverage (atheris). Keeps a corpus and every input that broke a promise.

`python -m tests.fuzz --minutes 10 [--target NAME] [--seed 1]`, or `--replay FILE --target NAME` for one input again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "fuzz"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together (default 10)")
    parser.add_argument("--target", help="only this one; without it all, in turn")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default 1)")
    parser.add_argument("--replay", type=Path, help="run one saved input and show what it breaks")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        _inside(options.target, rest)
    elif options.replay:
        _targets()[options.target].run(options.replay.read_bytes())
        print(f"{options.replay}: nothing breaks")
    else:
        raise SystemExit(_all(options))


def _targets():  # type: ignore[no-untyped-def]
    from tests.fuzz import answers, configuration, records
    from tests.fuzz.target import TARGETS

    assert answers and configuration and records, "importing them fills TARGETS"
    return TARGETS


def _all(options: argparse.Namespace) -> int:
    """Each target in a process of its own: a crash of a native library must not end the others."""
    names = [options.target] if options.target else sorted(_targets())
    seconds = max(5, round(options.minutes * 60 / len(names)))
    broken = []
    for name in names:
        corpus = FOLDER / name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(_targets()[name].seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        print(f"==> {name}: {seconds} s, corpus in {corpus.relative_to(ROOT)}", flush=True)
        log = FOLDER / f"{name}.log"
        command = [
            sys.executable, "-m", "tests.fuzz", "--inside", "--target", name, f"-max_total_time={seconds}", f"-seed={options.seed}",
            "-timeout=20", "-rss_limit_mb=3000", "-max_len=8192", f"-artifact_prefix={FOLDER}/broken-{name}-", str(corpus),
        ]  # fmt: skip
        started = time.monotonic()
        with log.open("wb") as out:
            code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
        last = [
            line for line in log.read_text(errors="replace").splitlines() if line.startswith(("#", "Done", "SUMMARY"))
        ]
        print(f"    {time.monotonic() - started:.0f} s, exit {code}: {last[-1] if last else 'no output'}", flush=True)
        if code:
            broken.append(name)
            print(f"    BROKEN: see {log.relative_to(ROOT)} and .cache/fuzz/broken-{name}-*; replay with")
            print(f"    scripts/fuzz --target {name} --replay FILE")
    print(
        f"{len(names) - len(broken)} of {len(names)} targets held"
        + (f"; broken: {', '.join(broken)}" if broken else "")
    )
    return 1 if broken else 0


def _inside(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["forwarder"]):
        run = _targets()[name].run
    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
