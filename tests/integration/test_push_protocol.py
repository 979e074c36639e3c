"""The push protocol as docs/push-protocol.md promises it, seen by a client that is none of ours."""
import json
from pathlib import Path

import jsonschema
import pytest

from harness.manifests import static_service, write
from harness.objects import endpoint, endpoint_slice
from harness.push_client import PushClient
from harness.wait import eventually

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def controller(tmp_path, manifest_controller, backend):
    """A controller with the Service shop/web of one endpoint; `add` gives it a second slice, `take` removes that."""
    one, two = backend("one"), backend("two")
    static_service(tmp_path / "manifests", one)
    control = manifest_controller(tmp_path / "manifests")
    control.add = lambda: write(tmp_path / "manifests", "second.yaml", endpoint_slice("shop", [endpoint(two.address)], name="web-2"))
    control.take = (tmp_path / "manifests" / "second.yaml").unlink
    return control


def slices(frame) -> set:
    return {one["slice"] for one in frame["upsert"] if one["kind"] == "endpoints"}


def test_a_change_is_a_delta_against_what_was_acknowledged(controller):
    client = PushClient(controller, "a", ["shop/web:80"])
    first = client.receive_and_ack()
    assert (first["type"], slices(first)) == ("snapshot", {"web-1"})
    controller.add()
    second = client.receive_and_ack()
    assert (second["type"], second["base"], slices(second)) == ("delta", first["version"], {"web-2"})
    controller.take()
    third = client.receive_and_ack()
    assert (third["base"], third["upsert"]) == (second["version"], [])
    assert [one["slice"] for one in third["remove"]] == ["web-2"]


def test_what_changes_while_a_proxy_is_slow_comes_once_and_together(controller):
    client = PushClient(controller, "a", ["*"])
    first = client.receive()
    for _ in range(5):
        controller.add()
        assert client.silence(0.1), "a second frame before the first was acknowledged"
        controller.take()
    controller.add()
    assert client.silence(0.3)
    client.send(type="ack", version=first["version"])
    assert slices(client.receive_and_ack()) == {"web-2"}
    assert client.silence(0.3), "more than one frame for what had been coalesced"


def test_a_version_that_is_still_known_is_resumed_with_a_delta(controller):
    client = PushClient(controller, "a", ["*"])
    version = client.receive_and_ack()["version"]
    client.close()
    controller.add()
    again = PushClient(controller, "a", ["*"], version=version)
    frame = again.receive_and_ack()
    assert (frame["type"], frame.get("base"), slices(frame)) == ("delta", version, {"web-2"})


def test_an_unknown_version_gets_a_snapshot(controller):
    client = PushClient(controller, "a", ["*"], version="zzzz.12")
    assert client.receive_and_ack()["type"] == "snapshot"


def test_a_refused_frame_is_not_sent_again_until_something_changes(controller):
    client = PushClient(controller, "a", ["*"])
    version = client.receive()["version"]
    client.send(type="nack", version=version, errors=[{"path": "upsert[0]", "problem": "a test does not like it"}])
    assert client.silence(0.5)
    controller.add()
    assert slices(client.receive()) == {"web-1", "web-2"}, "the next frame must hold all that was refused"
    assert "a test does not like it" in controller.wait_log("does not like it")


def test_the_same_name_is_refused_to_another_instance_and_handed_over_to_the_same(controller):
    first = PushClient(controller, "a", ["*"])
    first.receive_and_ack()
    other = PushClient(controller, "a", ["*"], instance="another")
    refusal = other.receive()
    assert (refusal["type"], refusal["code"]) == ("error", "name_in_use")
    assert "a" in refusal["problem"]
    same = PushClient(controller, "a", ["*"])
    assert same.receive_and_ack()["type"] == "snapshot"


def test_every_frame_is_what_the_schema_says(controller):
    found = list(DOCS.rglob("*push*schema*.json"))
    assert len(found) == 1, f"one JSON Schema of the push protocol in docs/: {found}"
    validator = jsonschema.Draft202012Validator(json.loads(found[0].read_text()))
    client = PushClient(controller, "a", ["*"])
    client.receive_and_ack()
    controller.add()
    client.receive_and_ack()
    controller.take()
    client.receive_and_ack()
    other = PushClient(controller, "a", ["*"], instance="another")
    other.receive()
    assert [one["type"] for one in client.frames + other.frames] == ["snapshot", "delta", "delta", "error"]
    for frame in client.frames + other.frames:
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(frame)]
        assert errors == [], frame


def test_a_proxy_that_goes_away_frees_its_name(controller):
    PushClient(controller, "a", ["*"]).close()

    def gets_in():
        client = PushClient(controller, "a", ["*"], instance="new")
        frame = client.receive()
        client.close()
        return frame["type"] == "snapshot"
    eventually(gets_in, 10, "the name is free again", interval=0.2)
