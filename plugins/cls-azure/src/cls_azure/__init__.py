"""cls-azure: Microsoft Azure, for clusterless."""
