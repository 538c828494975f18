-- Keep market caps of days that were over by then. What was told on the day itself, or before, stays.
with today as (
    select (%(now)s::timestamptz at time zone 'UTC')::date as day
)
insert into coin_rank (day, coin, market_cap, told_on)
select told.day, coin, market_cap, today.day
from unnest(%(days)s::date[], %(coins)s::integer[], %(market_caps)s::float8[]) as told (day, coin, market_cap)
cross join today
where told.day < today.day
order by told.day, coin
on conflict (day, coin) do nothing
