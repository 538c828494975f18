-- The holes that a run (`now`) was told of at these sources, of which the database knows no other coin's candles; and whom
-- to ask for to compare: the first of the most traded coins that is another than the hole's. Where that coin has the same
-- hole by what is known, there is nothing to ask.
select source.name, source.key, hole.coin, hole.starts_at, hole.ends_at, other.key
from absence hole
join source on source.key = hole.source and source.traded and source.name = any (%(sources)s)
cross join lateral (
    select key
    from coin
    where id = any (%(most_traded)s) and key <> hole.coin
    order by array_position(%(most_traded)s, id)
    limit 1
) as other
where last_at = %(now)s and outcome in ('hole', 'between') and others is distinct from 'have'
    and not exists (
        select from absence known
        where (known.coin, known.source) = (other.key, hole.source) and known.outcome in ('hole', 'between')
            and known.starts_at <= hole.starts_at and known.ends_at >= hole.ends_at
    )
order by source.key, other.key, hole.starts_at
