-- Per coin and timeframe: what there is, and what there would be if nothing were missing. Counted at each reading and
-- never remembered: what is complete today can lack an hour tomorrow. A coin without a candle has its row of 1h. A bar
-- is expected when its time was over before the coin's life was, and an hour of it lies in that life and could be had;
-- it is whole when it lacks none of these. Weeks begin on Monday; weeks and months are those of UTC.
-- `unwanted`: the hours between the first listing and the life, which no run was asked for.
--     a life of 30 hours from midnight, 05:00 to 12:00 unlisted, 13:00 missing: 1h 23 expected, 22 whole; 4h 6
--     expected (08:00 is not, and the eighth is not over), 5 whole (12:00 lacks an hour; 04:00 has its only one)
-- One coin after the other, so that a filter on the coin or its symbol reaches the candles. Added up for all coins at
-- once, every coin's days would be read before the filter is looked at.
create or replace view coverage as
select coin.key as coin, of_coin.*
from coin
cross join lateral (
    with lived as (
        select
            *, absent - unlisted as missing, greatest(0, extract(epoch from starts_at - listed_at)::bigint / 3600) as unwanted
        from life
        where life.coin = coin.key
    ), kind (timeframe, step) as (
        values
            ('4h', interval '4 hours'), ('1d', interval '24 hours'), ('1w', interval '168 hours'), ('1M', interval '1 month')
    ), bar as (
        select
            kind.timeframe, lived.starts_at, lived.ends_at, lived.unwanted,
            lower(had.bars) as earliest,
            time_bucket(kind.step, upper(had.bars) - interval '1 hour') as latest,
            bars(had.bars, kind.step) as total,
            bars(could.be, kind.step) as expected,
            bars(could.be * over.bars - touched(lived.missing, kind.step), kind.step) as whole
        from lived
        cross join kind
        cross join lateral (
            select
                tstzmultirange(tstzrange(
                    time_bucket(kind.step, lived.starts_at),
                    greatest(time_bucket(kind.step, lived.starts_at), time_bucket(kind.step, lived.ends_at))
                ))
                - filled(
                    lived.unlisted
                    + tstzmultirange(tstzrange(time_bucket(kind.step, lived.starts_at), lived.starts_at)), kind.step
                ) as be
        ) could
        cross join lateral (
            select tstzmultirange(tstzrange(null, time_bucket(kind.step, (select as_of())))) as bars
        ) over
        cross join lateral (
            select touched(
                tstzmultirange(tstzrange(lived.starts_at, greatest(lived.starts_at, lived.ends_at)))
                - lived.unlisted - lived.missing, kind.step
            ) * over.bars as bars
        ) had
        where not isempty(had.bars)
    )
    select
        '1h' as timeframe, starts_at, ends_at,
        first_day + first_hour(first_present) * interval '1 hour' as earliest, nullif(gone, 'infinity') - interval '1 hour' as latest,
        coalesce(hours, 0) as total, coalesce(hours, 0) as whole, coalesce(hours, 0) + hours(missing) as expected, unwanted
    from lived
    union all
    select timeframe, starts_at, ends_at, earliest, latest, total, whole, expected, unwanted
    from bar
) of_coin;
