"""TimescaleDB without a server: the default when DATABASE_URL is not set.

PostgreSQL 17 and TimescaleDB (Community edition) run as WebAssembly in one Node process per home,
started when a command needs it, shared by all processes of the user, gone after a while without
clients. README.md says how, and what it cannot do.

    dsn = embedded.ensure(home)     # start it if need be, and the DSN for psycopg or psql
    embedded.status(home)           # what runs there, or None
    embedded.stop(home)             # stop it cleanly
"""

from chandlery.embedded.launch import Patience, Status, ensure, status, stop
from chandlery.embedded.place import EngineError, private

__all__ = ["EngineError", "Patience", "Status", "ensure", "private", "status", "stop"]
