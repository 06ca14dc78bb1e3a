#!/usr/bin/env python
"""Runs management commands, with the embedded servers around them where no URL is set."""

import os
import signal
import sys


def main() -> None:
    """Resolves the servers before settings load, then hands over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    arguments = sys.argv[1:]
    if arguments[:1] == ["up"] and not {"-h", "--help"} & set(arguments):
        from config.services import supervisor

        sys.exit(supervisor.main(arguments[1:]))
    from config.services import resolve

    # so that a SIGTERM, too, leaves the servers to the others or stops them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with resolve.servers_for(arguments):
        from django.core.management import execute_from_command_line
        from django.db import connections

        try:
            execute_from_command_line(sys.argv)
        finally:
            if "django.db.backends.postgresql.base" in sys.modules:
                for connection in connections.all(initialized_only=True):
                    connection.close()
                    connection.close_pool()


if __name__ == "__main__":
    main()
