"""`python -m badorigin …`, and the command `badorigin` of the wheel: the program itself."""
import os
import sys

from ._places import PROGRAMS


def main() -> None:
    """Becomes the program."""
    program = str(PROGRAMS / "badorigin")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
