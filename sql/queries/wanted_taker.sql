-- How many hours of each coin lie in days of which it is not known what takers bought, though one of these sources has
-- some of them: about as many as are to be asked for again.
select coin, sum(hours)::bigint
from candle_1d
where coin = any (%(coins)s::integer[])
    and open_time > %(start)s::timestamptz - interval '24 hours' and open_time < %(end)s::timestamptz
    and taker_buy_volume is null and sources & (select bit_or(1::bigint << key) from source where name = any (%(sources)s::text[])) <> 0
group by coin
