"""A proxy of the push protocol in a few lines: says hello, gets frames, answers as the test wants."""
import json

import websocket


class PushClient:
    def __init__(self, controller, name: str, wants: list, instance: str = "instance-1", version: str = "", timeout: float = 10,
                 role: str = "sidecar", node: str = "", features: tuple = ("virtual-ip",)):
        self.connection = websocket.create_connection(controller.push_url, timeout=timeout)
        self.frames = []
        self.send(type="hello", protocol=1, name=name, instance=instance, role=role, wants=wants, version=version, node=node,
                  features=list(features))

    def send(self, **message):
        self.connection.send(json.dumps(message))

    def receive(self) -> dict:
        frame = json.loads(self.connection.recv())
        self.frames.append(frame)
        return frame

    def receive_and_ack(self) -> dict:
        frame = self.receive()
        self.send(type="ack", version=frame["version"])
        return frame

    def silence(self, seconds: float) -> bool:
        """Whether nothing arrives for so long."""
        self.connection.settimeout(seconds)
        try:
            self.receive()
            return False
        except websocket.WebSocketTimeoutException:
            return True
        finally:
            self.connection.settimeout(10)

    def close(self):
        self.connection.close()
