-- Every candle and bar, for readers. The names and columns up to `source` are promised; others follow them. `sources`
-- has a bit for each source's key; `source` has their names.
-- One coin's 4h and 1d candles without a look at all others': a filter on the symbol reaches the bars that are made
-- by the index, and those still to be added up coin by coin. Through the aggregates as they are, it reaches neither.
-- A bar is shown when its time is over, as an hour is stored when it is.
-- Weeks and months are added up from the days as they are read.
-- A set of sources is named once, and not for each bar: the planner remembers what a lateral part gave for the same set.
-- (`offset 0`, or it would be a function called by each row: 2.2 s of 228,000 days, instead of 0.15.)
create or replace view market_data as
select
    coin.symbol, bar.open_time as "timestamp", '1h' as timeframe,
    bar.open as open_price, bar.high as high_price, bar.low as low_price, bar.close as close_price,
    bar.volume, source.name as source,
    bar.quote_volume, bar.trades, 1::bigint as hours, coin.id as coin_id,
    bar.coin, 1::bigint << bar.source as sources,
    bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume) as vwap
from candle_1h bar
join coin on coin.key = bar.coin
join source on source.key = bar.source
union all
select
    coin.symbol, bar.open_time, '4h', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    bar.coin, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from made_4h bar
join coin on coin.key = bar.coin
cross join lateral (select source_names(bar.sources) as source offset 0) named
where bar.open_time + interval '4 hours' <= as_of()
union all
select
    coin.symbol, bar.open_time, '1d', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    bar.coin, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from made_1d bar
join coin on coin.key = bar.coin
cross join lateral (select source_names(bar.sources) as source offset 0) named
where bar.open_time + interval '24 hours' <= as_of()
union all
select
    coin.symbol, bar.open_time, '4h', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    coin.key, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from coin
cross join lateral (
    select *
    from candle_4h
    where candle_4h.coin = coin.key
    and candle_4h.open_time > coalesce((select max(open_time) from made_4h where made_4h.coin = coin.key), '-infinity')
    offset 0 -- or the planner would join all coins' bars
) bar
cross join lateral (select source_names(bar.sources) as source offset 0) named
where bar.open_time + interval '4 hours' <= as_of()
union all
select
    coin.symbol, bar.open_time, '1d', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    coin.key, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from coin
cross join lateral (
    select *
    from candle_1d
    where candle_1d.coin = coin.key
    and candle_1d.open_time > coalesce((select max(open_time) from made_1d where made_1d.coin = coin.key), '-infinity')
    offset 0
) bar
cross join lateral (select source_names(bar.sources) as source offset 0) named
where bar.open_time + interval '24 hours' <= as_of()
union all
select
    coin.symbol, bar.open_time, '1w', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    coin.key, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from coin
cross join lateral (select * from bar_week where bar_week.coin = coin.key offset 0) bar
cross join lateral (select source_names(bar.sources) as source offset 0) named
union all
select
    coin.symbol, bar.open_time, '1M', bar.open, bar.high, bar.low, bar.close,
    bar.volume, named.source, bar.quote_volume, bar.trades, bar.hours, coin.id,
    coin.key, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from coin
cross join lateral (select * from bar_month where bar_month.coin = coin.key offset 0) bar
cross join lateral (select source_names(bar.sources) as source offset 0) named;
