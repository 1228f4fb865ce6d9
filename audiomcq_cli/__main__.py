"""Lets ``python -m audiomcq_cli`` do what ``audiomcq`` does."""

from audiomcq_cli.cli.main import main

if __name__ == "__main__":
    main()
