-- The roles and databases of compose.yaml, by psql and as a superuser; safe to run again, with other passwords too.
--
--   chandlery  owns the database chandlery: the tables, and what flows write
--   prefect    owns the database prefect
--   grafana    reads what there is to read of the candles, and nothing else

\getenv chandlery_password CHANDLERY_DB_PASSWORD
\getenv prefect_password PREFECT_DB_PASSWORD
\getenv grafana_password GRAFANA_DB_PASSWORD

select format('create role %I login', name)
from unnest(array['chandlery', 'prefect', 'grafana']) name
where not exists (select from pg_roles where rolname = name)
\gexec

alter role chandlery password :'chandlery_password';
alter role prefect password :'prefect_password';
alter role grafana password :'grafana_password' connection limit 20;

-- A panel that takes longer is a mistake, and so is one that writes.
alter role grafana set statement_timeout = '60s';
alter role grafana set default_transaction_read_only = on;
alter role grafana set timezone = 'UTC';
alter role grafana set jit = off;

-- From template0: what the image puts into template1 is no business of Prefect's.
select format('create database %I owner %I template template0', name, name)
from unnest(array['chandlery', 'prefect']) name
where not exists (select from pg_database where datname = name)
\gexec

revoke all on database chandlery, prefect, postgres from public;
grant connect on database chandlery to grafana;

\connect prefect
create extension if not exists pg_trgm;

\connect chandlery
create extension if not exists timescaledb;
grant usage on schema public to grafana;
-- What `chandlery migrate` has made, and what it will make.
grant select on all tables in schema public to grafana;
alter default privileges for role chandlery in schema public grant select on tables to grafana;
