-- Note the days in a window whose bars differ from their hours, for the next refresh, and count the bars.
with waiting as (
    select coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}') as days from stale
), differing as (
    select time_bucket('1 day', bar.open_time) as day
    from (values ('4h'), ('1d')) as kind (timeframe)
    cross join lateral differing_bars(kind.timeframe, %(start)s, %(end)s) bar
    cross join waiting
    where not waiting.days @> bar.open_time
), noted as (
    insert into stale (starts_at, ends_at, force)
    select lower(part), upper(part), true
    from (select range_agg(tstzrange(day, day + interval '24 hours')) as days from differing) joined
    cross join unnest(joined.days) as part
)
select count(*) from differing
