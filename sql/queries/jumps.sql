-- Where a coin's price is another after hours without a candle: as after a redenomination (a power of ten), or
-- where a symbol came back as another coin. Only days that fall short, or follow one that does, and whose prices
-- reach that far, are looked into: one by one (offset 0), as the planner takes any but an exact count of days for a
-- reason to read all hours.
with suspect as (
    select coin, open_time
    from (
        select
            coin, open_time, hours, greatest(high, close) as top, least(low, close) as bottom,
            lag(open_time) over earlier as day_before, lag(hours) over earlier as hours_before,
            lag(close) over earlier as close_before
        from candle_1d
        where coin = any (%(coins)s::integer[])
        window earlier as (partition by coin order by open_time)
    ) day
    where (hours < 24 or hours_before < 24 or day_before < open_time - interval '1 day')
        and case when least(bottom, close_before) > 0 then -- else it is broken, which another look tells
            log(greatest(top, close_before)) - log(least(bottom, close_before)) > %(far)s end
), resumed as (
    select distinct hour.coin, hour.open_time, hour.open, before.open_time as time_before, before.close as close_before
    from suspect
    cross join lateral (
        select coin, open_time, open
        from candle_1h
        where coin = suspect.coin
            and open_time >= suspect.open_time
            and open_time < suspect.open_time + interval '24 hours'
        offset 0
    ) hour
    cross join lateral (
        select open_time, close
        from candle_1h
        where coin = hour.coin and open_time < hour.open_time
            and open_time >= hour.open_time - %(longest)s::interval
        order by open_time desc
        limit 1
    ) before
    where not exists (
        select from candle_1h next_before
        where next_before.coin = hour.coin and next_before.open_time = hour.open_time - interval '1 hour'
    )
), jump as (
    select
        *, open_time - time_before - interval '1 hour' as halt,
        case when open > 0 and close_before > 0 then log(open) - log(close_before) end as tens
    from resumed
)
select
    case
        when abs(tens) > 0.9 and abs(tens - round(tens)) < %(near)s then 'redenomination'
        else 'suspected reuse'
    end,
    coin, open_time,
    format(
        'closed at %%s, opened at %%s after %%s hours without a candle',
        close_before, open, extract(epoch from halt)::bigint / 3600
    )
from jump
where (abs(tens) > 0.9 and abs(tens - round(tens)) < %(near)s)
    or (abs(tens) > %(far)s and halt >= %(long)s::interval)
