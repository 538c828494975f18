-- Per coin with candles: how many of each timeframe, from when to when, what lacks, from which sources.
with counted as (
    select
        coin, min(starts_at) as starts_at, max(ends_at) as ends_at,
        max(total) filter (where timeframe = '1h') as hours,
        min(earliest) filter (where timeframe = '1h') as earliest,
        max(latest) filter (where timeframe = '1h') as latest,
        max(greatest(expected - whole, 0)) filter (where timeframe = '1h') as missing,
        max(total) filter (where timeframe = '4h') as bars_4h,
        max(total) filter (where timeframe = '1d') as bars_1d
    from coverage
    group by coin
), used as (
    select coin, source_names(bit_or(sources)) as sources from candle_1d group by coin
)
select
    coin.symbol, coin.name, coin.rank, coin.id,
    hours, earliest, latest, starts_at, ends_at, missing, bars_4h, bars_1d, sources, coin.key
from counted
join used using (coin)
join coin on coin.key = counted.coin
order by coin.rank nulls last, coin.key
