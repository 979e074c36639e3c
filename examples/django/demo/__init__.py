"""The parts of demo.py: processes and manifests on one side, visitors and figures on the other."""
