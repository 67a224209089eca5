"""cls-gcp: Google Cloud, for clusterless."""
