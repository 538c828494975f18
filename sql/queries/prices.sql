-- Coins whose candle of the time at which CoinGecko told their price closed at another: by a factor whose logarithm is
-- more than %(bound)s. A wrong multiple, or another coin behind the symbol.
select
    'price', coin.key, hour.open_time,
    'closed at {}, and CoinGecko said {} within the hour', array[hour.close, coin.price]
from coin
cross join lateral (
    select open_time, close
    from candle_1h
    where candle_1h.coin = coin.key
        and open_time > coin.priced_at - interval '2 hours' and open_time <= coin.priced_at
    order by open_time desc
    limit 1
) hour
where coin.key = any (%(coins)s::integer[]) and coin.priced_at <= as_of()
    and coin.price > 0 and hour.close > 0 and abs(ln(hour.close) - ln(coin.price)) > %(bound)s
