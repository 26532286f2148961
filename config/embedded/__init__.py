"""Everything on one machine: PostgreSQL, Redis and a supervisor, for `make up` and for the tests."""
