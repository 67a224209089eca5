"""cls-docker: workloads in Docker containers, for clusterless."""
