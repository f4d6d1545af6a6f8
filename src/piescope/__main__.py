"""The command `piescope`, also as `python -m piescope`."""

from __future__ import annotations

import sys

BAD_ENVIRONMENT, INTERRUPTED = 3, 130


def main() -> None:
    """Runs the command line; a library that is missing is a fault of the environment, not a broken budget (1)."""
    try:
        from piescope.cli.app import main as command_line
    except KeyboardInterrupt:  # while its modules are loaded
        sys.exit(INTERRUPTED)
    except ImportError as reason:
        cure = "install piescope again: python -m pip install --force-reinstall piescope"
        sys.stderr.write(f"error: a library that piescope needs cannot be loaded: {reason}; {cure}\n")
        sys.exit(BAD_ENVIRONMENT)
    command_line()


if __name__ == "__main__":
    main()
