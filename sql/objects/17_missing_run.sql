-- The maximal runs of hours without a candle in the coins' lives: off the bits of the days that fall short, the days
-- that are not there, and what lies before the first day and after the last. No hour is looked at.
-- `unlisted`: those of them that nobody could have, and that are missing nowhere: no venue listed the coin then, or it
-- is gone from all of them by now and those who were asked had nothing more.
create or replace view missing_run as
with absent as (
    select
        life.coin,
        greatest(part.starts_at, life.starts_at) as starts_at,
        least(part.ends_at, life.ends_at) as ends_at,
        life.gone
    from life
    cross join lateral (
        select day + hour * interval '1 hour' as starts_at, day + (hour + 1) * interval '1 hour' as ends_at
        from unnest(life.short_days, life.short_present) as short (day, present)
        cross join generate_series(0, 23) as hour
        where present >> hour & 1 = 0
        union all
        select expected, open_time
        from (
            select open_time, lag(open_time) over (order by open_time) + interval '24 hours' as expected
            from candle_1d
            where candle_1d.coin = life.coin and not life.has_every_day
        ) day
        where expected < open_time
        union all
        values
            (life.starts_at, coalesce(life.first_day, life.ends_at)),
            (life.last_day + interval '24 hours', life.ends_at)
    ) part
    where part.starts_at < part.ends_at and part.starts_at < life.ends_at and part.ends_at > life.starts_at
), marked as (
    select *, starts_at is distinct from lag(ends_at) over (partition by coin order by starts_at) as opens
    from absent
), counted as (
    select *, count(*) filter (where opens) over (partition by coin order by starts_at) as run
    from marked
), run as (
    select coin, min(starts_at) as starts_at, max(ends_at) as ends_at, gone
    from counted
    group by coin, gone, run
), listed as (
    select
        listing.coin,
        range_agg(tstzrange(coalesce(starts_at, '-infinity'), coalesce(ends_at, 'infinity'))) as spans,
        bool_and(ends_at is not null) as is_over
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
)
select
    run.coin, run.starts_at, run.ends_at, run.gone,
    tstzmultirange(tstzrange(run.starts_at, run.ends_at)) - coalesce(listed.spans, '{(,)}')
        + coalesce(
            case when listed.is_over and run.ends_at > run.gone then (
                select range_agg(tstzrange(greatest(starts_at, run.starts_at, run.gone), least(ends_at, run.ends_at)))
                from absence
                where absence.coin = run.coin and outcome not in ('lost', 'failed')
                    and starts_at < run.ends_at and ends_at > greatest(run.starts_at, run.gone)
            ) end,
            '{}'
        ) as unlisted
from run
left join listed on listed.coin = run.coin;
