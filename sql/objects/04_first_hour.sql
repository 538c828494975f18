-- The first hour of a day that has any, from its bits.
create or replace function first_hour(present integer) returns integer immutable parallel safe language sql
return (select min(hour) from generate_series(0, 23) hour where present >> hour & 1 = 1);
