-- Keep what was found, and close what was looked for, of these coins, and is no longer found. What merely happened
-- (%(events)s) is found anew each time, and told for %(told)s.
with seen as (
    select *
    from unnest(%(kinds)s::text[], %(of)s::integer[], %(times)s::timestamptz[], %(details)s::text[])
        as seen (kind, coin, open_time, detail)
), ended as (
    update finding
    set ended_at = %(at)s
    where ended_at is null
        and kind = any (%(looked_for)s::text[]) and coin = any (%(coins)s::integer[])
        and (kind <> all (%(events)s::text[]) or found_at < %(at)s::timestamptz - %(told)s::interval)
        and not exists (
            select from seen
            where (seen.kind, seen.coin, seen.open_time) = (finding.kind, finding.coin, finding.open_time)
        )
)
insert into finding (kind, coin, open_time, detail, found_at)
select kind, coin, open_time, detail, %(at)s
from seen
on conflict (kind, coin, open_time) do update
set detail = excluded.detail, ended_at = null,
    found_at = case
        when finding.ended_at is null and finding.kind <> all (%(events)s::text[]) then finding.found_at
        else excluded.found_at
    end
where (finding.detail, finding.ended_at) is distinct from (excluded.detail, null)
    or finding.kind = any (%(events)s::text[])
