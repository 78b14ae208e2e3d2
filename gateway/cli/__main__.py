"""`python -m gateway.cli`, the same as `itcare-gateway`."""

from gateway.cli import main

main()
