module steelyard/tests/e2e/airgap/tools/pause

go 1.25.0
