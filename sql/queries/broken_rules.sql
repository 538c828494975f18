-- Stored candles that break a rule of candles.frame.RULES, by the rule's name: none that came through the door,
-- only a foreign writer's. The first condition finds them in one pass, which is all that most rows are looked at;
-- what the table itself rules out (no time, two of one time, no price) is not asked.
with broken as (
    select coin, open_time, open, high, low, close, volume, quote_volume, trades::double precision as trades,
        taker_buy_volume, taker_buy_quote_volume
    from candle_1h
    where coin = any (%(coins)s::integer[])
        and case when -- as an equation, which the planner takes for rare: it shares the work out
            low > open or low > close or open > high or close > high
            or low < 1e-30 or high > 1e30
            or volume < 0 or volume > 1e300
            or quote_volume < 0 or quote_volume > 1e300
            or trades < 0 or trades > 1e15
            or taker_buy_volume < 0 or taker_buy_volume > 1e300 or taker_buy_volume / 1.05 > volume
            or taker_buy_quote_volume < 0 or taker_buy_quote_volume > 1e300
            or (taker_buy_quote_volume - 0.01) / 1.05 > quote_volume
            or time_bucket('1 hour', open_time) <> open_time
            then 1 end = 1
), named as (
    select
        coin, open_time,
        concat_ws(
            ', ',
            case when time_bucket('1 hour', open_time) <> open_time then 'open_time is on the hour' end,
            case when not least(open, high, low, close) > 0 or greatest(open, high, low, close) >= 'infinity'
                then 'prices are finite and above zero' end,
            case when exists (
                select from unnest(array[open, high, low, close]) price
                where price > 0 and price < 1e-30 or price > 1e30 and price < 'infinity'
            ) then 'prices can be compared' end,
            case when high < greatest(open, low, close) then 'high is highest' end,
            case when low > least(open, high, close) then 'low is lowest' end,
            case when least(volume, quote_volume, trades, taker_buy_volume, taker_buy_quote_volume) < 0
                or greatest(volume, quote_volume, trades, taker_buy_volume, taker_buy_quote_volume) >= 'infinity'
                then 'amounts are finite and not below 0' end,
            case when volume > 1e300 and volume < 'infinity' or quote_volume > 1e300 and quote_volume < 'infinity'
                or taker_buy_volume > 1e300 and taker_buy_volume < 'infinity'
                or taker_buy_quote_volume > 1e300 and taker_buy_quote_volume < 'infinity'
                or trades > 1e15 then 'amounts can be added up' end,
            case when taker_buy_volume / 1.05 > volume or (taker_buy_quote_volume - 0.01) / 1.05 > quote_volume
                then 'takers bought a part of the volume' end
        ) as rules
    from broken
)
select
    'rules', coin, min(open_time),
    format(
        '%%s hours do not keep: %%s; the newest at %%s',
        count(*), rules, to_char(max(open_time) at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
    )
from named
group by coin, rules
