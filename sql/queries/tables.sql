-- The tables of this schema: columns in their order with their types, the primary key, other columns whose values are
-- unique, the tables that are referred to, and the column that numbers the rows.
select
    relation.relname::text,
    array(
        select attname::text from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped and attgenerated = ''
        order by attnum
    ),
    array(
        select format_type(atttypid, null) from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped and attgenerated = ''
        order by attnum
    ),
    array(
        select not attnotnull from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped and attgenerated = ''
        order by attnum
    ),
    array(
        select attname::text
        from pg_index
        cross join unnest(indkey) with ordinality as part (attnum, place)
        join pg_attribute using (attnum)
        where indrelid = relation.oid and indisprimary and attrelid = relation.oid
        order by place
    ),
    array(
        select attname::text
        from pg_index
        join pg_attribute on attrelid = indrelid and attnum = any (indkey)
        where indrelid = relation.oid and indisunique and not indisprimary
        order by attname
    ),
    array(
        select distinct other.relname::text
        from pg_constraint
        join pg_class other on other.oid = confrelid
        where conrelid = relation.oid and contype = 'f' and confrelid <> conrelid
    ),
    (select attname::text from pg_attribute where attrelid = relation.oid and attidentity <> '')
from pg_class relation
where relkind = 'r' and relnamespace = current_schema()::regnamespace
order by relname
