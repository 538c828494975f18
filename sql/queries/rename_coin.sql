-- A coin's new id at CoinGecko, also where CoinGecko lists it under its id. The old id stays, as another name of it.
with renamed as (
    update coin set id = %(new)s where id = %(old)s returning key
), relisted as (
    update listing set symbol = %(new)s
    from renamed
    where listing.coin = renamed.key and listing.symbol = %(old)s
        and listing.source = (select key from source where name = 'coingecko')
        and not exists (
            select from listing other where (other.source, other.symbol) = (listing.source, %(new)s)
        )
), forgotten as (
    delete from coin_alias where id = %(new)s
)
insert into coin_alias (id, coin, until)
select %(old)s, key, %(now)s from renamed
on conflict (id) do update set coin = excluded.coin, until = excluded.until
