-- Now, or the moment that a session was told to take for it: set local chandlery.now = '2026-01-01Z'.
create or replace function as_of() returns timestamptz stable language sql
return coalesce(nullif(current_setting('chandlery.now', true), '')::timestamptz, now());
