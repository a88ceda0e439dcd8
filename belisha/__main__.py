"""`python -m belisha`."""

from belisha.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
