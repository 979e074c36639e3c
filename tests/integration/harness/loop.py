"""One asyncio loop in a thread, which every backend of the test run lives on."""
import asyncio
import threading


class LoopThread:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="backends", daemon=True)
        self._thread.start()

    def run(self, coroutine):
        """Runs it on the loop and returns its result to the calling thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def call(self, function, *arguments):
        async def wrapped():
            return function(*arguments)
        return self.run(wrapped())

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()
