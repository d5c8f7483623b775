"""Which queries people may write for an aggregation: one SELECT from one table, nothing else."""

import pytest

from catalog import custom_sql

GOOD = [
    "with a as (select gb from measurements), b as (select sum(gb) s from a) select s from b",
    "select sum(gb) from measurements",
    "SELECT max(t) AS x FROM (SELECT sum(gb) t FROM measurements GROUP BY date_trunc('day', ts)) d",
    "select count(*) from measurements",
    "select count(distinct uid) from measurements where gb > 2 and region = 'eu'",
    "with d as (select sum(gb) s from measurements group by region) select max(s) from d",
    "select percentile_cont(0.95) within group (order by gb) from measurements",
    'select coalesce(sum("Gb"),0)::numeric from measurements',
    "select sum(gb) filter (where extract(hour from ts) < 8) from measurements",
    "select sum(case when gb>1 then gb else 0 end) from measurements -- hi",
    "select sum(x) from (select lag(gb) over (order by ts) as x from measurements) q",
    "select avg(gb) from measurements where ts >= timestamp '2024-06-01' - interval '1 day'",
]
BAD = [
    "select 1 from pg_class where exists (with pg_class as (select 1) select 1 from pg_class)",
    "with a as (select count(*) c from pg_class), pg_class as (select 1) select c from a",
    "with recursive x as (select 1 union select 1 from measurements) select count(*) from x",
    "with x as (with pg_class as (select 1) select 1 from pg_class) select count(*) from x",
    "select 1; select 2",
    "drop table x",
    "select sum(id) from billing_bill",
    "select * from measurements",
    "select measurements.* from measurements",
    "select pg_sleep(10)",
    "select set_config('role','none',true)",
    "select current_setting('x')",
    "with x as (delete from measurements returning 1) select count(*) from x",
    "select gb into t from measurements",
    "select gb from measurements for update",
    "select count(*) from pg_catalog.pg_class",
    "select count(*) from public.measurements",
    "select count(*) from generate_series(1,1000000000)",
    "select current_user from measurements",
    "select session_user",
    "select version()",
    "with recursive x as (select 1 union select 1 from x) select count(*) from x",
    "with measurements as (select 1 as gb) select sum(gb) from measurements",
    "copy measurements to program 'x'",
    "select (select passwd from pg_shadow limit 1)",
    "select 'pg_class'::regclass::int",
    "select sum(gb) from measurements where uid = 'a' \\; drop table x",
    "select lo_import('/etc/passwd')",
    "select query_to_xml('select 1',true,true,'')",
    "explain select 1",
    "values (1)",
    "table measurements",
    "select dblink('a','b')",
    "do $$ begin end $$",
    "select $$a$$ from measurements",
    "select 1 from measurements tablesample system (1)",
    "select xmlforest(1)",
    "select array_agg(gb) from measurements",
    "select sum(gb) from measurements, lateral (select pg_sleep(1)) x",
    "select cast(gb as public.evil) from measurements",
    "select repeat('a', 1000000000)",
    "set role none",
    "select 1 union select 2",
    "select a.b.c.d from measurements",
    "select nextval('x')",
    "select power(9,9) from measurements",
    "select gb ^ 99999999 from measurements",
    "select sum(gb) from only measurements",
    "select e'\\x' from measurements",
    "select U&'\\0061' from measurements",
    "",
    " ",
    "select",
    "select 'a''b' || uid from measurements",
    "select sum(gb) from measurements where uid similar to 'x'",
    "select exp(1000)",
    "select extract(foo from ts) from measurements",
]


@pytest.mark.parametrize("query", GOOD)
def test_a_query_of_measurements_may_be_run(query):
    assert custom_sql.checked(query).startswith(("SELECT ", "WITH "))


@pytest.mark.parametrize("query", BAD)
def test_a_query_that_could_do_anything_else_is_refused(query):
    with pytest.raises(custom_sql.QueryRefused):
        custom_sql.checked(query)


@pytest.mark.parametrize("part", ["(", "- ", "not ", "case when "])
def test_deep_nesting_is_refused_and_does_not_end_the_process(part):
    with pytest.raises(custom_sql.QueryRefused):
        custom_sql.checked("select " + part * (2000 // len(part)) + "1 from measurements")


def test_what_runs_is_written_again_without_comments_and_with_every_name_in_quotes():
    found = custom_sql.checked("select /* a */ sum(GB) from Measurements -- b")

    assert found == 'SELECT SUM("gb") FROM "measurements"'


def test_a_name_with_a_quote_stays_one_name():
    found = custom_sql.checked('select "a""; drop table x; --" from measurements')

    assert found == 'SELECT "a""; drop table x; --" FROM "measurements"'


def test_a_refusal_says_what_cannot_be_used():
    with pytest.raises(custom_sql.QueryRefused, match=r"^pg_sleep\(\) cannot be used$"):
        custom_sql.checked("select pg_sleep(1) from measurements")


def test_a_long_query_is_refused():
    with pytest.raises(custom_sql.QueryRefused, match="at most 2,048 characters"):
        custom_sql.checked("select 1 from measurements" + " " * 2048)
