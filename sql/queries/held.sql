-- Per coin with a life: how many of each timeframe, from when to when, what lacks, from which sources. Hours, and
-- those that lack, within a window if it is given: a life's hours there less those that are missing or unlisted.
with counted as (
    select
        coin, min(starts_at) as starts_at, max(ends_at) as ends_at,
        max(total) filter (where timeframe = '1h') as hours,
        max(earliest) filter (where timeframe = '1h') as earliest,
        max(latest) filter (where timeframe = '1h') as latest,
        max(greatest(expected - whole, 0)) filter (where timeframe = '1h') as missing,
        max(unwanted) as unwanted,
        coalesce(max(total) filter (where timeframe = '4h'), 0) as bars_4h,
        coalesce(max(total) filter (where timeframe = '1d'), 0) as bars_1d
    from coverage
    group by coin
), asked as (
    select tstzmultirange(tstzrange(%(start)s::timestamptz, %(end)s::timestamptz)) as hours
    where %(start)s::timestamptz is not null
), lack as (
    select
        coin, sum(hours(asked.hours * tstzmultirange(tstzrange(starts_at, ends_at)))) as absent,
        sum(hours(asked.hours * (tstzmultirange(tstzrange(starts_at, ends_at)) - unlisted))) as missing
    from missing_run
    cross join asked
    group by coin
), used as (
    select coin, source_names(bit_or(sources)) as sources from candle_1d group by coin
)
select
    coin.symbol, coin.name, coin.rank, coin.id,
    case when asked.hours is null then counted.hours
        else hours(asked.hours * tstzmultirange(tstzrange(starts_at, ends_at))) - coalesce(lack.absent, 0) end::bigint,
    earliest, latest, starts_at, ends_at,
    case when asked.hours is null then counted.missing else coalesce(lack.missing, 0) end::bigint,
    bars_4h, bars_1d, coalesce(sources, ''), coin.key, unwanted,
    exists (select from listing where listing.coin = coin.key and starts_at is null)
        and not exists (select from listing where listing.coin = coin.key and starts_at is not null)
from counted
left join asked on true
left join lack using (coin)
left join used using (coin)
join coin on coin.key = counted.coin
order by coin.rank nulls last, coin.key
