"""What should be there and is not (`finding`), and what is asked of stores to find out why (`facts`)."""
