-- Listings that were over before they were known, and their coins: left out of runs until they are asked for.
with seen as (
    select *
    from unnest(
        %(ids)s::text[], %(tickers)s::text[], %(names)s::text[], %(mapped)s::boolean[], %(symbols)s::text[],
        %(multiples)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(told)s::timestamptz[],
        %(venue_names)s::text[], %(contracts)s::text[]
    ) as seen (id, ticker, name, mapped, symbol, multiple, starts_at, ends_at, told_start, venue_name, contract)
), made as (
    insert into coin (id, ticker, symbol, name, seen_at, mapped, active, left_out)
    select distinct on (id) id, ticker, ticker, name, %(now)s, mapped, false, true
    from seen
    where not exists (select from coin_alias where coin_alias.id = seen.id)
    on conflict (id) do nothing
    returning key, id
)
insert into listing (coin, source, symbol, multiple, starts_at, ends_at, told_start, start_checked_at, name, contract)
select
    coalesce(made.key, coin.key, coin_alias.coin), source.key, seen.symbol, multiple, starts_at, ends_at, told_start,
    case when starts_at is not null then %(now)s::timestamptz end, venue_name, seen.contract
from seen
left join made on made.id = seen.id
left join coin on coin.id = seen.id
left join coin_alias on coin_alias.id = seen.id
cross join (select key from source where name = %(source)s) source
on conflict (source, symbol, coin) do nothing
