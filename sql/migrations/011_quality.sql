-- What was measured over time, findings that come to an end, and coverage that is counted off the days.

-- A finding is closed and not deleted when a later look no longer finds it: a stale coin that has new hours, a
-- candle that was mended. Null: it held when it was last looked for.
alter table finding add column ended_at timestamptz;
create index on finding (coin) where ended_at is null;

-- How complete a coin was at each check. 12,000 rows a day for a thousand coins checked every six hours: some
-- 4 million rows and 500 MB a year, read by coin and never as a whole. Nothing refers to a row: whoever wants it
-- smaller deletes what is between a day's last checks.
create table quality (
    coin integer not null references coin,
    timeframe text not null,
    at timestamptz not null,
    expected integer not null,    -- bars from the coin's listing, or first candle, to the last that was over
    present integer not null,     -- of them those that are there and whole
    total integer not null,       -- bars that are there, whole or not
    hours_by_source jsonb,        -- {"binance_spot": 24000}, kept with 1h only: it is of the coin, not of the timeframe
    primary key (coin, timeframe, at)
);

-- The columns, and what they say, are those of 006. Only how they are counted is another: a day that has all its
-- hours has six whole 4h bars and is one, so that only days that fall short are looked into. At 25 million candles
-- that is the difference between reading 6 million bars and reading 1 million. `(select as_of())` is asked once,
-- as_of() once a row.
create or replace view coverage as
with reach as (
    select
        coin, min(open_time) as first_day, max(open_time) as last_day, sum(hours)::bigint as hours,
        count(*) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as full_days,
        min(open_time) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as first_full,
        max(open_time) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as last_full
    from candle_1d
    group by coin
), ends as (
    select
        reach.*,
        (select min(open_time) from candle_1h
            where coin = reach.coin and open_time >= first_day and open_time < first_day + interval '24 hours') as earliest,
        (select max(open_time) from candle_1h
            where coin = reach.coin and open_time >= last_day and open_time < last_day + interval '24 hours') as latest
    from reach
), listed as (
    select coin, min(starts_at) as starts_at, max(coalesce(ends_at, 'infinity')) as ends_at from listing group by coin
), life as (
    select
        ends.*,
        least(listed.starts_at, ends.earliest) as starts_at,
        greatest(
            least(time_bucket('1 hour', (select as_of())), listed.ends_at),
            ends.latest + interval '1 hour'
        ) as ends_at
    from ends
    left join listed on listed.coin = ends.coin
), short_day as (
    select coin, open_time, hours
    from candle_1d
    where not (hours >= 24 and open_time + interval '24 hours' <= (select as_of()))
), bar as (
    select short_day.coin, interval '4 hours' as step, candle_4h.open_time, candle_4h.hours
    from short_day
    cross join lateral (
        select open_time, hours
        from candle_4h
        where coin = short_day.coin
            and open_time >= short_day.open_time
            and open_time < short_day.open_time + interval '24 hours'
        offset 0 -- day by day, and not all bars for some days
    ) candle_4h
    where candle_4h.open_time + interval '4 hours' <= (select as_of())
    union all
    select coin, interval '24 hours', open_time, hours
    from short_day
    where open_time + interval '24 hours' <= (select as_of())
), short as (
    select
        coin, bar.step, min(bar.open_time) as earliest, max(bar.open_time) as latest, count(*) as total,
        count(*) filter (
            where bar.hours * interval '1 hour'
                >= least(bar.open_time + bar.step, life.ends_at) - greatest(bar.open_time, life.starts_at)
            and bar.open_time + bar.step <= life.ends_at
        ) as whole
    from bar
    join life using (coin)
    group by coin, bar.step
), held as (
    select
        '1h' as timeframe, interval '1 hour' as step, coin, starts_at, ends_at, earliest, latest,
        hours as total, hours as whole
    from life
    union all
    select
        kind.timeframe, kind.step, life.coin, life.starts_at, life.ends_at,
        least(short.earliest, first_full), greatest(short.latest, last_full + interval '24 hours' - kind.step),
        coalesce(short.total, 0) + full_days * kind.bars, coalesce(short.whole, 0) + full_days * kind.bars
    from life
    cross join (values ('4h', interval '4 hours', 6), ('1d', interval '24 hours', 1)) as kind (timeframe, step, bars)
    left join short on short.coin = life.coin and short.step = kind.step
    where full_days > 0 or short.total > 0
)
select
    coin, timeframe, starts_at, ends_at, earliest, latest, total, whole,
    greatest(0, extract(epoch from time_bucket(step, ends_at) - time_bucket(step, starts_at))
        / extract(epoch from step))::bigint as expected
from held;
