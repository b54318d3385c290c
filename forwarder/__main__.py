"""`python -m forwarder`: the same as the `forwarder` command. Holds nothing else."""

from forwarder.cli.main import main

main()
