-- How many hours of each coin a run may have to fetch, for how far it is: hours of the window in which a venue lists
-- the coin, less those that are there. A listing whose start is not known may be older than all.
with held as (
    select coin, sum(hours) as hours
    from candle_1d
    where coin = any (%(coins)s::integer[])
        and open_time >= %(start)s::timestamptz
        and open_time < %(end)s::timestamptz
    group by coin
)
select
    listing.coin,
    greatest(
        0,
        extract(epoch from
            least(max(coalesce(ends_at, 'infinity')), %(end)s::timestamptz)
            - greatest(min(coalesce(starts_at, '-infinity')), %(start)s::timestamptz)
        ) / 3600 - coalesce(held.hours, 0)
    )::integer
from listing
left join held on held.coin = listing.coin
where listing.coin = any (%(coins)s::integer[])
group by listing.coin, held.hours
