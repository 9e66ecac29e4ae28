"""`python -m fredholm` is the command line."""

from fredholm.cli import main

main()
