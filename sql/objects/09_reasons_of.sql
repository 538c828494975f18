-- A run of hours without a candle in parts: those that nobody could have, those that nobody was asked for, and the
-- others, which are one gap each, with the reason of most of its hours (of equal ones the first written here).
--   not listed yet, delisted   no venue listed the coin then; or it is gone from all by now, and there was nothing more
--   not tried                  nobody was asked
--   fetch failed               somebody who was asked last did not answer, or not with all there is
--   outage at the venue        the venue has these hours of no coin: a hole of two coins or more
--   malformed at the venue     the venue's own candle breaks a rule
--   no trades                  the venue has none of this coin between candles that it has, and has others'
--   no source has it           those who were asked have nothing; nothing tells that they should, or nobody compared
create or replace function reasons_of(
    run tstzmultirange, since timestamptz, unlisted tstzmultirange, failed tstzmultirange,
    outages tstzmultirange, affirmed tstzmultirange, nothing tstzmultirange, malformed tstzmultirange
) returns table (part tstzrange, reason text) immutable parallel safe language plpgsql as $$
declare
    tried tstzmultirange := run * (failed + nothing);
begin
    for part in select unnest(unlisted) loop
        reason := case when lower(part) < since then 'not listed yet' else 'delisted' end;
        return next;
    end loop;
    reason := 'not tried';
    for part in select unnest(run - unlisted - tried) loop
        return next;
    end loop;
    for part in select unnest(tried - unlisted) loop
        reason := case
            when isempty(failed) and isempty(outages) and isempty(malformed) and affirmed @> part then 'no trades'
            when isempty(failed) and outages @> part then 'outage at the venue'
            when isempty(failed) and isempty(outages) and isempty(malformed) and isempty(affirmed) then 'no source has it'
            else (
                select kind.reason
                from (
                    values
                        (1, 'fetch failed', hours(failed * tstzmultirange(part))),
                        (2, 'outage at the venue', hours(outages * tstzmultirange(part) - failed)),
                        (3, 'malformed at the venue', hours(malformed * tstzmultirange(part) - failed - outages)),
                        (4, 'no trades', hours(affirmed * tstzmultirange(part) - failed - outages - malformed)),
                        (5, 'no source has it', hours(tstzmultirange(part) - failed - outages - malformed - affirmed))
                ) as kind (place, reason, hours)
                order by kind.hours desc, kind.place
                limit 1
            )
        end;
        return next;
    end loop;
end
$$;
