"""`python -m piescope` is `piescope`."""

from piescope.cli.app import main

if __name__ == "__main__":
    main()
