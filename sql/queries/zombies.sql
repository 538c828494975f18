-- Coins whose stored history ends with candles in which nothing happens: no volume, one price for all of them.
-- That is what some venues send after a delisting. For %(long)s and more, or after the end of the last listing
-- however short. Off the days first: a day with any trade, or another price, is where the search begins.
with reach as (
    select coin, min(open_time) as first_day, max(open_time) as last_day, last(close, open_time) as price
    from candle_1d
    where coin = any (%(coins)s::integer[])
    group by coin
), listed as (
    select coin, max(coalesce(ends_at, 'infinity')) as ends_at from listing group by coin
), alive as (
    select reach.coin, max(day.open_time) as last_day
    from reach
    join candle_1d day on day.coin = reach.coin
    where (day.volume = 0 and day.high = day.low and day.close = reach.price) is not true
    group by reach.coin
), suspect as (
    select
        reach.coin, reach.price, listed.ends_at,
        coalesce(alive.last_day, reach.first_day) as since, reach.last_day + interval '24 hours' as until
    from reach
    left join alive using (coin)
    left join listed using (coin)
    where coalesce(alive.last_day, reach.first_day) <= reach.last_day - %(long)s::interval + interval '24 hours'
        or listed.ends_at < reach.last_day + interval '24 hours'
), hour as (
    select
        suspect.coin, suspect.price, suspect.ends_at, candle_1h.open_time,
        (volume = 0 and open = price and high = price and low = price and close = price) is true as flat
    from suspect
    cross join lateral (
        select *
        from candle_1h
        where coin = suspect.coin and open_time >= suspect.since and open_time < suspect.until
        offset 0 -- coin by coin, and not all hours for some coins
    ) candle_1h
), tail as (
    select coin, price, ends_at, min(open_time) as since, count(*) as hours, max(open_time) as latest
    from (
        select *, max(open_time) filter (where not flat) over (partition by coin) as last_alive from hour
    ) hour
    where last_alive is null or open_time > last_alive
    group by coin, price, ends_at
)
select
    'zombie', coin, since,
    format('%%s hours without a trade, all at {}', hours)
        || case when latest >= ends_at
            then '; its last listing ended at ' || to_char(ends_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
            else '' end,
    array[price]
from tail
where hours * interval '1 hour' >= %(long)s::interval or latest >= ends_at
