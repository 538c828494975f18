-- Hours that are lost behind TimescaleDB's back (a chunk that a restore left out) leave no note in its own list of what
-- to refresh, and a plain refresh passes over their days. Such days are noted with `force`.
alter table stale add column force boolean not null default false;
