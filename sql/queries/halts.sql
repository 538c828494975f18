-- Where a coin had no candle for %(long)s and more and then went on, though it was listed all the while and its venue
-- had no outage as long. Off the
-- days first: between two days with a day missing, or two that hold no more than 24 hours together.
with edge as (
    select
        day.coin,
        (select max(open_time) from candle_1h
            where coin = day.coin
                and open_time >= day.day_before
                and open_time < day.day_before + interval '24 hours') + interval '1 hour' as stopped_at,
        (select min(open_time) from candle_1h
            where coin = day.coin
                and open_time >= day.open_time
                and open_time < day.open_time + interval '24 hours') as resumed_at
    from (
        select
            coin, open_time, hours,
            lag(open_time) over earlier as day_before, lag(hours) over earlier as hours_before
        from candle_1d
        where coin = any (%(coins)s::integer[])
        window earlier as (partition by coin order by open_time)
    ) day
    where day.day_before < day.open_time - interval '24 hours' or day.hours_before + day.hours <= 24
)
select
    'halt', coin, resumed_at,
    format(
        '%%s hours without a candle from %%s on',
        extract(epoch from resumed_at - stopped_at)::bigint / 3600,
        to_char(stopped_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
    )
from edge
where resumed_at - stopped_at >= %(long)s::interval
    and (
        not exists (select from listing where listing.coin = edge.coin)
        or exists (
            select from listing
            where listing.coin = edge.coin
                and coalesce(starts_at, '-infinity') <= stopped_at
                and coalesce(ends_at, 'infinity') >= resumed_at
        )
    )
    and not exists (
        select from outage
        where starts_at <= stopped_at and ends_at >= resumed_at
    )
