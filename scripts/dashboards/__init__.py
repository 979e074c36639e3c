"""The Grafana dashboards as a program, so that what they share is said once: see __main__.py."""
