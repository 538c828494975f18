-- The roles of this database: <database>_writer, as which flows and verbs run, and <database>_reader, for who only looks.
-- They cannot log in: users are made members (`grant chandlery_writer to somebody`), or they are given a password. The
-- third is whoever owns the tables, and migrates.
do $$
declare
    writer text := current_database() || '_writer';
    reader text := current_database() || '_reader';
    owner text := coalesce(
        (select tableowner from pg_tables where schemaname = current_schema() and tablename = 'migration'), current_user
    );
    role text;
begin
    foreach role in array array[writer, reader] loop
        if to_regrole(quote_ident(role)) is null then
            execute format('create role %I', role);
        end if;
    end loop;
    if not pg_has_role(owner, writer, 'usage') then
        execute format('grant %I to %I', writer, owner);
    end if;
end
$$;
