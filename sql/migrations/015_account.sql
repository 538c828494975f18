-- What is spent where a venue counts it (a host, and the key or the address that asks), as sources/account.py has it: who
-- asks a venue spends from here, whatever the process and the machine. A change is one update, of the version it was made of.
create table account (
    place text primary key,
    version bigint not null,
    state json not null
) with (fillfactor = 25);
