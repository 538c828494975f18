-- Requests of a month, for sources whose keys have so many.
create table spent (
    source text not null,
    month date not null,
    requests bigint not null,
    primary key (source, month)
);
