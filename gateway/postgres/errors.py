"""What may go wrong around the database before the gateway serves, as one sentence for the operator."""


class PostgresError(Exception):
    """The database cannot be used as asked; the message says what to do, and holds no password."""
