-- How many bars of a length these stretches of whole ones have together: of hours, or of one month.
create or replace function bars(parts tstzmultirange, step interval) returns bigint immutable parallel safe language sql
return (
    select coalesce(sum(case
        when step = interval '1 month' then extract(year from age(upper(part) at time zone 'UTC', lower(part) at time zone 'UTC')) * 12
            + extract(month from age(upper(part) at time zone 'UTC', lower(part) at time zone 'UTC'))
        else extract(epoch from upper(part) - lower(part)) / extract(epoch from step)
    end), 0)::bigint
    from unnest(parts) part
);
