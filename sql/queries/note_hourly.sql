-- Keep for how many coins hourly runs ask each of these sources, where that is news, and forget all others. The view gap
-- reads it by these words.
with told as (
    select 'hourly coins of ' || name as what, number
    from unnest(%(sources)s::text[], %(numbers)s::integer[]) as source (name, number)
), forgotten as (
    update learnt set number = null
    where what like 'hourly coins of %%' and number is not null and what not in (select what from told)
)
insert into learnt (what, at, number)
select what, %(now)s, number
from told
on conflict (what) do update set at = excluded.at, number = excluded.number
where learnt.number is distinct from excluded.number
