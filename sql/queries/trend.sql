-- How many hours were expected and how many were there, at the last check of each day.
select day, sum(expected)::bigint, sum(present)::bigint
from (
    select distinct on (coin, date_trunc('day', at, 'UTC'))
        date_trunc('day', at, 'UTC') as day, expected, present
    from quality
    where coin = any (%(coins)s::integer[])
        and timeframe = '1h'
        and at > %(start)s::timestamptz
        and at <= %(end)s::timestamptz
    order by coin, date_trunc('day', at, 'UTC'), at desc
) checked
group by day
order by day
