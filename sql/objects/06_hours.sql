-- How many hours these stretches have together.
create or replace function hours(parts tstzmultirange) returns bigint immutable parallel safe language sql
return (select coalesce(sum(extract(epoch from upper(part) - lower(part)))::bigint / 3600, 0) from unnest(parts) part);
