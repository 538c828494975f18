#!/bin/sh
# Run by the image when it makes the database, and never again. databases.sql may be run again by hand.
# psql reads the passwords from the environment (\getenv), so that no command line bears them.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
  --file=/chandlery/databases.sql
