"""The command ``pyparallel``: loads the command line, or says what to install for it."""

import sys


def main() -> int:
    print("not yet", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
