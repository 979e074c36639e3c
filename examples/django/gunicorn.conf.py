"""How one backend runs: one process with threads behind a balancer that keeps its connections open."""

worker_class = "shop.worker.OneWriteWorker"  # gthread, with a word on why in its file
workers = 1
threads = 8

# Static files are small; read and written, they too go out together with their head.
sendfile = False

# Longer than any balancer keeps an idle connection, so that it is the balancer that closes it: the other way round a
# request can meet a connection that is just being closed.
keepalive = 75
graceful_timeout = 10

# The worker's heartbeat file belongs in memory: on a slow disk it can stall a worker.
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
