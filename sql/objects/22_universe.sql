-- The best `most` coins (null: all) as they were on a day, and by what they are ranked. `basis`:
--   market_cap        CoinGecko's ranks, told on that day; of `ranked_on`, the newest day of the week that ends with it,
--                     or the newest that has so many coins: somebody may have asked for the best twenty only
--   market_cap_later  market caps of that day, told later: only of coins that were known by then, survivors
--   volume_30d        dollars traded in the 30 days before, by the candles held: of one venue for each hour, no more
-- The first that is known is taken. Market caps told later are, if nine in ten of the best by volume have one: else a
-- handful of small coins would pass for the whole. `without_market_cap` says how many of these have none. `ranked_by`
-- (market_cap or volume_30d) has one of the two whatever the other knows. Volumes end before the day begins.
create or replace function universe(day date, most integer default null, ranked_by text default null)
returns table (
    rank bigint, coin_id text, symbol text, name text, market_cap double precision, volume_30d double precision,
    basis text, ranked_on date, without_market_cap bigint
) stable language sql as $$
with told as (
    select coalesce(max(coin_rank.day) filter (where coin_rank.rank >= most), max(coin_rank.day)) as day
    from coin_rank
    where coin_rank.day > universe.day - 7 and coin_rank.day <= universe.day and coin_rank.told_on = coin_rank.day
        and ranked_by is distinct from 'volume_30d'
), later as materialized (
    select coin, market_cap, row_number() over (order by market_cap desc, coin) as place
    from coin_rank
    where coin_rank.day = universe.day and told_on > coin_rank.day and market_cap > 0
        and (select told.day from told) is null
), volume as materialized (
    select coin, dollars, row_number() over (order by dollars desc, coin) as place
    from (
        select coin, sum(coalesce(quote_volume, volume * close)) as dollars
        from candle_1d
        where open_time >= (universe.day - 30)::timestamp at time zone 'UTC'
            and open_time < universe.day::timestamp at time zone 'UTC'
            and sources & (select bit_or(1 << key) from source where traded) <> 0
            and (select told.day from told) is null
        group by coin
    ) traded
    where dollars > 0
), best as (
    select count(*) as coins, count(*) filter (where later.coin is null) as lacking
    from volume
    left join later on later.coin = volume.coin
    where volume.place <= most or most is null
), chosen as (
    select
        case
            when told.day is not null then 'market_cap'
            when ranked_by = 'market_cap' then 'market_cap_later'
            when ranked_by is null and exists (select from later) and 10 * lacking <= coins then 'market_cap_later'
            else 'volume_30d'
        end as basis,
        coalesce(told.day, universe.day) as day, case when told.day is null then lacking end as lacking
    from told
    cross join best
), listed as (
    select coin_rank.coin, coin_rank.rank as place
    from chosen
    join coin_rank on coin_rank.day = chosen.day and coin_rank.told_on = coin_rank.day
    where basis = 'market_cap'
    union all
    select coin, place from later where (select basis from chosen) = 'market_cap_later'
    union all
    select coin, place from volume where (select basis from chosen) = 'volume_30d'
)
select
    listed.place, coin.id, coin.symbol, coin.name, coin_rank.market_cap, volume.dollars,
    chosen.basis, chosen.day, chosen.lacking
from chosen
cross join listed
join coin on coin.key = listed.coin
left join coin_rank on coin_rank.coin = listed.coin and coin_rank.day = chosen.day
left join volume on volume.coin = listed.coin
order by listed.place, coin.key
limit most
$$;
