#!/usr/bin/env bash
# prefect 3.9.1 with whenever 0.10.5, which it allows: before Python 3.13 no cron schedule has a date.
#
# Expected: a server makes the runs of a deployment's schedule, with any release that it declares.
# Seen: it declares whenever>=0.10.5,<0.12. Before Python 3.13 its times are pendulum's, whose zone is
# a kind of ZoneInfo. whenever 0.10.5 takes a ZoneInfo itself only, and 0.11 any kind of it. The
# server starts, deploys and runs by hand; its scheduler logs a ValueError for each deployment, each
# minute, and makes no run. A lock that held 0.10.5 for 3.8.8 keeps it.
# What to do: require whenever>=0.11, and test that a deployment has scheduled runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || { echo "needs Python 3.11 or 3.12" >&2; exit 1; }
python3 -m venv "$folder/venv"
cat > "$folder/dates.py" <<'PY'
import asyncio
from importlib.metadata import version

from prefect.server.schemas.schedules import CronSchedule

schedule = CronSchedule(cron="5 * * * *", timezone="UTC")
print("prefect", version("prefect"), "whenever", version("whenever"))
try:
    print(len(asyncio.run(schedule.get_dates(3))), "dates")
except ValueError as error:
    print(type(error).__name__, error)
PY
for release in 0.10.5 0.11.0; do
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check prefect==3.9.1 whenever==$release
    PREFECT_HOME="$folder/home" "$folder/venv/bin/python" "$folder/dates.py" | tee "$folder/$release"
done
grep -q "^ValueError tzinfo must be of type ZoneInfo (exactly)" "$folder/0.10.5"
grep -qx "3 dates" "$folder/0.11.0"
# prefect 3.9.1 whenever 0.10.5
# ValueError tzinfo must be of type ZoneInfo (exactly), got Timezone('UTC')
# prefect 3.9.1 whenever 0.11.0
# 3 dates
