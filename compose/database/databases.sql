-- The roles and databases of compose.yaml, by psql and as a superuser; safe to run again, with other passwords too.
--
--   chandlery         owns the database chandlery: its tables, which `chandlery migrate` makes and shares out
--   chandlery_writer  writes candles as flows do; it cannot take any away, nor change a table
--   chandlery_reader  reads what there is to read of the candles; nobody logs in as it
--   grafana           is one of those who read
--   prefect           owns the database prefect

\getenv chandlery_password CHANDLERY_DB_PASSWORD
\getenv writer_password WRITER_DB_PASSWORD
\getenv prefect_password PREFECT_DB_PASSWORD
\getenv grafana_password GRAFANA_DB_PASSWORD

select format('create role %I login', name)
from unnest(array['chandlery', 'chandlery_writer', 'prefect', 'grafana']) name
where not exists (select from pg_roles where rolname = name)
\gexec

select 'create role chandlery_reader'
where not exists (select from pg_roles where rolname = 'chandlery_reader')
\gexec

-- The owner makes what has to be the writer's own: see sql/roles/share.sql.
grant chandlery_writer to chandlery;
grant chandlery_reader to grafana;

alter role chandlery password :'chandlery_password';
alter role chandlery_writer login password :'writer_password';
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
grant connect on database chandlery to chandlery_writer, chandlery_reader;
grant temporary on database chandlery to chandlery_writer;

\connect prefect
create extension if not exists pg_trgm;

\connect chandlery
create extension if not exists timescaledb;
-- Until `chandlery_reader` there was this.
alter default privileges for role chandlery in schema public revoke select on tables from grafana;
revoke all on all tables in schema public from grafana;
