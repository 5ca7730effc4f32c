"""The command ``pyparallel``: loads the command line, or says what to install for it."""

import sys


def main() -> int:
    """Run the command in `sys.argv`; return its exit status."""
    try:
        from pyparallel.cli import run
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        from pyparallel._metadata import install_line

        print(f"pyparallel: the command line needs click: {install_line('cli')}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # while that was loading; from now on, run() sees to it
        print("pyparallel: stopped", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
