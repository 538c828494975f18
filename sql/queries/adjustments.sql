-- Redenominations that hold and are proposed for adjustment, and the adjustments that are confirmed, of these coins, by
-- coin and time. `tens`: the power of ten by which the price is another than the last one before that was. A finding
-- that has ended is no proposal; what was confirmed stays until it is taken back.
with seen as (
    select coin, open_time, detail
    from finding
    where kind = 'redenomination' and ended_at is null and coin = any (%(coins)s::integer[])
), held as (
    select coin, open_time, factor, confirmed_at
    from adjustment
    where coin = any (%(coins)s::integer[])
)
select
    coin.key, told.at, told.factor, told.confirmed_at, told.detail,
    (
        select round(log(hour.open) - log(before.close))::integer
        from candle_1h hour
        join candle_1h before on before.coin = hour.coin and before.open_time < hour.open_time
            and before.open_time >= hour.open_time - interval '30 days'
        where hour.coin = coin.key and hour.open_time = told.at
            and case when hour.open > 0 and before.close > 0 then abs(log(hour.open) - log(before.close)) > 0.5 end
        order by before.open_time desc
        limit 1
    ) as tens
from (
    select coin, open_time as at, factor, confirmed_at, detail from seen full join held using (coin, open_time)
) told
join coin on coin.key = told.coin
order by coin.symbol, coin.key, told.at
