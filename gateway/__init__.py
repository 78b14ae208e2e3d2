"""The process: HTTP, execution, the database server, the command line; imported by nobody."""
