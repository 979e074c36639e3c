"""What the integration tests stand on: a network of their own, a real API server, backends, load, and our programs."""
