"""`cls` as it is shipped, in processes that are killed, stopped, refused and lied to at any of their requests."""
