-- Of these coins' checks, keep the last of each day (UTC) and timeframe. `before` is a midnight.
with followed as (
    select coin, timeframe, at, lead(at) over (partition by coin, timeframe order by at) as next
    from quality
    where coin = any (%(coins)s::integer[]) and at < date_trunc('day', %(before)s::timestamptz, 'UTC')
)
delete from quality
using followed
where (quality.coin, quality.timeframe, quality.at) = (followed.coin, followed.timeframe, followed.at)
    and date_trunc('day', followed.at, 'UTC') = date_trunc('day', followed.next, 'UTC')
