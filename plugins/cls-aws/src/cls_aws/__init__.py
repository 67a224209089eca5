"""cls-aws: Amazon Web Services, for clusterless."""
