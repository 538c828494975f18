#!/usr/bin/env bash
# prefect 3.8.8: the INPUTS cache key of a set changes with each process, and two dicts share one.
#
# Expected: cache_policy=INPUTS finds a result again in the next run, where the inputs are equal,
# and only there.
# Seen: inputs are hashed as JSON. What JSON has no word for, a set among others, is pickled, in the
# order of Python's salted hashes. A task that takes a set of coins misses its own result in most
# processes. In one process it hits, so a test in one process finds nothing.
# JSON has no integer keys either: {1: "BTC"} and {"1": "BTC"} have one key, so a task that tells
# ranks from ids gets the other's result. A list and a tuple share one too.
# What to do: pass sorted lists, or write a cache_key_fn. Do not pass dicts with integers as keys.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    prefect==3.8.8 'fastapi<0.151' 'sqlalchemy<2.1'
cat > "$folder/keys.py" <<'PY'
import json
import sys

from prefect.cache_policies import INPUTS


def key(value: object) -> str:
    return INPUTS.compute_key(None, {"coins": value}, {})


COINS = ["BTC", "ETH", "SOL", "XRP", "ADA", "DOT"]
json.dump(
    {
        "list": key(COINS),
        "sorted set": key(sorted(set(COINS))),
        "set": key(set(COINS)),
        "set, again": key(set(COINS)),
        "frozenset": key(frozenset(COINS)),
        "ranks": key({1: "BTC"}),
        "ids": key({"1": "BTC"}),
        "tuple": key(tuple(COINS)),
    },
    sys.stdout,
)
PY
for seed in 1 2 3; do
    PREFECT_HOME="$folder/home" PYTHONHASHSEED=$seed "$folder/venv/bin/python" "$folder/keys.py" \
        2>"$folder/warnings" >"$folder/$seed.json"
done
FOLDER=$folder "$folder/venv/bin/python" - <<'PY'
import json
import os
from importlib.metadata import version
from pathlib import Path

runs = [json.loads(Path(os.environ["FOLDER"], f"{seed}.json").read_text()) for seed in (1, 2, 3)]
keys = {name: len({run[name] for run in runs}) for name in runs[0]}
print("prefect", version("prefect"))
print("keys in three processes:", keys)
print("one key in a process for two equal sets:", [run["set"] == run["set, again"] for run in runs])
print('one key for {1: "BTC"} and {"1": "BTC"}:', [run["ranks"] == run["ids"] for run in runs])
print("one key for a list and a tuple:", [run["list"] == run["tuple"] for run in runs])
assert keys["list"] == keys["sorted set"] == keys["ranks"] == keys["tuple"] == 1
assert keys["set"] == keys["set, again"] == keys["frozenset"] == 3
assert all(run["set"] == run["set, again"] for run in runs)
assert all(run["ranks"] == run["ids"] and run["list"] == run["tuple"] for run in runs)
PY
