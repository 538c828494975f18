-- The outages in a window: hours that the venue has of no coin, a hole of two coins or more, with candles of that venue on
-- both sides of each. `note_compared` has marked these holes `lack`, after a look at what the venue has of others.
-- Hours at an edge make no outage and draw out none: a coin that was delisted, and a source that reaches a year back, lack
-- years. So a venue that is down right now has no outage yet: it is told when newer candles frame its hours.
with near as materialized (
    select %(start)s::timestamptz - interval '31 days' as starts_at, %(end)s::timestamptz + interval '31 days' as ends_at
), part as materialized (
    select source, coin, other, tstzrange(absence.starts_at, absence.ends_at) as hours
    from absence
    join near on absence.starts_at < near.ends_at and absence.ends_at > near.starts_at
    where outcome in ('hole', 'between') and others = 'lack'
), outage as (
    select source, unnest(range_agg(hours)) as hours
    from part
    group by source
)
select source, lower(outage.hours), upper(outage.hours), count(distinct who.coin)::integer
from outage
join part using (source)
cross join lateral (values (part.coin), (part.other)) as who (coin)
where outage.hours && part.hours and lower(outage.hours) < %(end)s and upper(outage.hours) > %(start)s
group by source, outage.hours
having count(distinct who.coin) >= 2
order by source, outage.hours
