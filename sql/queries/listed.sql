-- By source: how many coins are listed there now, how many of these no other source lists, and how many listings are over.
-- Indicative sources list nearly every coin: a traded one is held against traded ones only.
with open as (
    select distinct listing.coin, source.name as source, source.name = any (%(indicative)s) as is_indicative
    from listing
    join source on source.key = listing.source
    join coin on coin.key = listing.coin
    where listing.ends_at is null and coin.active and coin.crypto
), counted as (
    select
        source, count(*) as coins,
        count(*) filter (
            where not exists (
                select
                from open other
                where other.coin = open.coin and other.source <> open.source
                    and (open.is_indicative or not other.is_indicative)
            )
        ) as only_here
    from open
    group by source
)
select source.name, coalesce(counted.coins, 0), coalesce(counted.only_here, 0), count(listing.ends_at)
from source
left join counted on counted.source = source.name
left join listing on listing.source = source.key
group by source.key, source.name, counted.coins, counted.only_here
order by source.key
