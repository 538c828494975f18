-- What one hour of a coin is and was before, newest first: each with the times from and until which it was held.
-- Nobody noted when the first one came, and the last one is held still.
select
    open, high, low, close, volume, quote_volume, trades, taker_buy_volume, taker_buy_quote_volume, source.name,
    lag(until) over (order by until nulls last) as since, until
from (
    select open, high, low, close, volume, quote_volume, trades, taker_buy_volume, taker_buy_quote_volume, source, null::timestamptz as until
    from candle_1h
    where coin = %(coin)s and open_time = %(hour)s::timestamptz
    union all
    select open, high, low, close, volume, quote_volume, trades, taker_buy_volume, taker_buy_quote_volume, source, replaced_at
    from restated
    where coin = %(coin)s and open_time = %(hour)s::timestamptz
) version
join source on source.key = version.source
order by until desc nulls first
