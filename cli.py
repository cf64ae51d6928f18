"""Launcher for `python cli.py …`, `torchrun cli.py …` and `accelerate launch cli.py …`."""

from seasa_da.cli import main

if __name__ == "__main__":
    main()
