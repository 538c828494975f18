-- When a bar of a length that opens then is over: months are UTC's, whatever the session's time zone is.
create or replace function bar_end(open_time timestamptz, step interval) returns timestamptz immutable parallel safe
language sql return (open_time at time zone 'UTC' + step) at time zone 'UTC';
