"""Object stores, and ledgers and manifests kept in them."""
