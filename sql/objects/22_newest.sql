-- The newest bar of each coin and timeframe whose time is over, when it opened, and how long ago it ended. It is the bar of
-- the last hour before the bar that is open now: one look by the index, where max("timestamp") of market_data reads all.
--     at 10:30 with hours to 09:00, and none at 05:00 to 08:00: 1h 09:00, ended 30 minutes ago; 4h 04:00, ended 2:30 ago
create or replace view newest as
select
    coin.symbol, kind.timeframe, bar.opened as "timestamp", as_of() - bar_end(bar.opened, kind.step) as age,
    coin.id as coin_id, coin.key as coin
from coin
cross join (
    values
        ('1h', interval '1 hour', date_trunc('hour', as_of(), 'UTC')),
        ('4h', interval '4 hours', time_bucket('4 hours', as_of())),
        ('1d', interval '24 hours', date_trunc('day', as_of(), 'UTC')),
        ('1w', interval '168 hours', date_trunc('week', as_of(), 'UTC')),
        ('1M', interval '1 month', date_trunc('month', as_of(), 'UTC'))
) kind (timeframe, step, current)
cross join lateral (
    select open_time
    from candle_1h
    where candle_1h.coin = coin.key and candle_1h.open_time < kind.current
    order by open_time desc
    limit 1
) hour
cross join lateral (
    select case kind.timeframe
        when '1w' then date_trunc('week', hour.open_time, 'UTC')
        when '1M' then date_trunc('month', hour.open_time, 'UTC')
        else time_bucket(kind.step, hour.open_time)
    end as opened
) bar;
