"""What the end-to-end tests share: the machine, the cluster, objects to put into it, and loads that count."""
