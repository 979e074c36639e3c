"""Part `shapes`: part `cpu` for other traffic than small keep-alive requests: connections that close, large bodies, uploads, many
backends, WebSocket, TCP."""

import cpu
import workloads


def run(options, _clusters):
    return cpu.run_workloads(workloads.of(workloads.SHAPES, options), options)


tables = cpu.tables
