-- Of which databases this one is a copy (`chandlery copy`, `chandlery restore`): a copy that was cut short is gone on with,
-- and nothing is ever copied over another database's rows.
create table copied (
    born_at timestamptz primary key, -- when the first migration ran in the database it is copied from
    began_at timestamptz not null default now(),
    finished_at timestamptz          -- null: it was cut short, or is under way
);
