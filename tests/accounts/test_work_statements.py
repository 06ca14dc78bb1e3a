"""Prepared statements of the worklist: the same rows, one query, and no error where they are lost."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.queries.work_statements import MOST, fetch

SQL = "SELECT n, %(word)s::text FROM generate_series(%(first)s::bigint, %(last)s::bigint) n WHERE n <> %(first)s ORDER BY n"


def prepared():
    return {row[0] for row in fetch("SELECT name FROM pg_prepared_statements WHERE name LIKE 'work\\_%%'", {})}


@pytest.mark.django_db(transaction=True)
class TestPrepared:
    @pytest.fixture(autouse=True)
    def own_connection(self):
        # a closed one goes back to the pool and would be the same again
        connection.close()
        connection.close_pool()
        yield
        connection.close()
        connection.close_pool()

    def test_values_are_the_only_thing_that_changes(self):
        assert fetch(SQL, {"word": "a'b", "first": 1, "last": 3}, prepared=True) == [(2, "a'b"), (3, "a'b")]
        assert fetch(SQL, {"word": "%s", "first": 5, "last": 6}, prepared=True) == [(6, "%s")]
        assert len(prepared()) == 1

    def test_the_first_time_is_one_query_too(self):
        with CaptureQueriesContext(connection) as asked:
            fetch(SQL, {"word": "a", "first": 1, "last": 2}, prepared=True)
        assert len(asked) == 1

    def test_without_the_promise_nothing_is_prepared(self):
        fetch(SQL, {"word": "a", "first": 1, "last": 2})
        assert prepared() == set()

    def test_a_lost_statement_is_sent_as_it_is_from_then_on(self):
        values = {"word": "a", "first": 1, "last": 2}
        fetch(SQL, values, prepared=True)
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        assert fetch(SQL, values, prepared=True) == fetch(SQL, values, prepared=True) == [(2, "a")]
        assert prepared() == set()

    def test_a_column_that_changed_its_type_is_read_anew(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept_for_a_test (n integer)")
            cursor.execute("INSERT INTO kept_for_a_test VALUES (7)")
        try:
            read = "SELECT n FROM kept_for_a_test WHERE n > %(low)s"
            assert fetch(read, {"low": 1}, prepared=True) == [(7,)]
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE kept_for_a_test ALTER n TYPE bigint")
            assert fetch(read, {"low": 1}, prepared=True) == [(7,)]
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE kept_for_a_test")

    def test_a_fault_of_the_statement_itself_is_told(self):
        with pytest.raises(ProgrammingError, match="no_such_table"):
            fetch("SELECT * FROM no_such_table WHERE 1 = %(one)s", {"one": 1}, prepared=True)

    def test_inside_a_transaction_a_lost_statement_is_an_error_as_any(self):
        values = {"word": "a", "first": 1, "last": 2}
        fetch(SQL, values, prepared=True)
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
            fetch(SQL, values, prepared=True)

    def test_no_connection_keeps_more_than_it_may(self):
        for number in range(MOST + 5):
            assert fetch(f"SELECT {number} + %(one)s::int", {"one": 1}, prepared=True) == [(number + 1,)]
        assert len(prepared()) == MOST
