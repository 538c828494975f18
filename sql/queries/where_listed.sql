-- Where a coin is or was listed, under which name and which contracts in the source's words; what is over last.
select
    source.name as source, listing.symbol, listing.multiple, listing.starts_at, listing.ends_at, listing.name,
    coalesce(string_to_array(listing.contract, ','), '{}')
from listing
join source on source.key = listing.source
where listing.coin = %(coin)s
order by listing.ends_at nulls first, source.key, listing.starts_at nulls last, listing.symbol
