-- Of these coins' checks, keep the last of each day (UTC) and timeframe. `before` is cut to its midnight. By ctid: a join
-- with the table itself would read the checks of all coins.
delete from quality
where ctid = any (array(
    select place
    from (
        select ctid as place, at, lead(at) over (partition by coin, timeframe order by at) as next
        from quality
        where coin = any (%(coins)s::integer[]) and at < date_trunc('day', %(before)s::timestamptz, 'UTC')
    ) followed
    where date_trunc('day', at, 'UTC') = date_trunc('day', next, 'UTC')
))
