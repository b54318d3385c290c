"""`python -m tests.chaos.mutants.launch NAME[,NAME...] -- run -c FILE`: Forwarder with patches. Test-only; `none` patches nothing.

A name is a defect (`defects.py`) or a provocation (`provoke.py`); provocations are in the control run too.
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    names, rest = arguments[0], arguments[2:]
    assert arguments[1] == "--", __doc__

    from tests.chaos.mutants.defects import DEFECTS
    from tests.chaos.mutants.provoke import PROVOCATIONS

    for name in names.split(","):
        if name != "none":
            (DEFECTS[name].patch if name in DEFECTS else PROVOCATIONS[name])()
    from forwarder.cli.main import main as forwarder

    sys.argv = ["forwarder", *rest]
    forwarder()


if __name__ == "__main__":
    main(sys.argv[1:])
