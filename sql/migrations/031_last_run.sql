-- How the last run of each verb ended: what cron and monitors ask for, where no Prefect is asked.
create table last_run (
    verb text primary key,            -- hourly, backfill, fill-gaps
    ended_at timestamptz not null,    -- of the last one that ended, whatever came of it
    good_at timestamptz,              -- of the last one that did not fail for all of its coins; null: none yet
    coins integer not null,           -- of the last one
    failed integer not null           -- of these coins
);
