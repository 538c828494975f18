-- Each run of missing hours in parts, and why. run_hours: the hours of the whole run. A filter on it spares the parts of
-- short runs: a gap of a day lies in a run of a day or more.
create or replace view run_reason as
with since as (
    select listing.coin, min(coalesce(starts_at, '-infinity')) as since
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
)
select
    run.coin, lower(told.part) as starts_at, upper(told.part) as ends_at, told.reason,
    extract(epoch from run.ends_at - run.starts_at)::bigint / 3600 as run_hours
from missing_run run
left join since on since.coin = run.coin
cross join lateral (
    select
        coalesce(range_agg(part) filter (where outcome in ('lost', 'failed')), '{}') as failed,
        coalesce(range_agg(part) filter (where outcome in ('hole', 'between') and others = 'have'), '{}') as affirmed,
        coalesce(range_agg(part) filter (where outcome not in ('lost', 'failed')), '{}') as nothing,
        coalesce(range_agg(part) filter (where outcome = 'malformed'), '{}') as malformed,
        coalesce(
            range_agg(part * tstzrange(outage.starts_at, outage.ends_at)) filter (where outage.source is not null),
            '{}'
        ) as outages
    from (
        select *, tstzrange(greatest(starts_at, run.starts_at), least(ends_at, run.ends_at)) as part
        from absence
        where absence.coin = run.coin and starts_at < run.ends_at and ends_at > run.starts_at
    ) absence
    left join outage on outage.source = absence.source and outcome in ('hole', 'between', 'edge')
        and tstzrange(outage.starts_at, outage.ends_at) && part
) asked
cross join lateral reasons_of(
    tstzmultirange(tstzrange(run.starts_at, run.ends_at)), coalesce(since.since, '-infinity'), run.unlisted,
    asked.failed, asked.outages, asked.affirmed, asked.nothing, asked.malformed
) told;
