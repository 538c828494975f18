-- Which hours of which coins a run under way has taken upon itself: others leave them to it. A claim holds for as long
-- as its lease, which its run renews, and on the same machine for as long as its process lives.
create table claim (
    run uuid not null,                -- of a batch
    coin integer not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    name text not null,               -- what people know the run by
    machine text not null,
    pid integer not null,
    born bigint not null,             -- when the process started: its number is used again
    lease_until timestamptz not null,
    primary key (run, coin, starts_at)
);
