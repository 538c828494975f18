-- The newest candle that opened after %(since)s; null where none did. A look by the index for each coin, and into no chunk
-- that ends before.
select max(hour.open_time)
from coin
cross join lateral (
    select open_time
    from candle_1h
    where candle_1h.coin = coin.key and open_time > %(since)s
    order by open_time desc
    limit 1
) hour
