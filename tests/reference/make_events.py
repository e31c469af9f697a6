"""Events as TensorBoard reads them, written by tensorboardX: the reference of nn::train::EventLog."""

import struct
from pathlib import Path

from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

OUT = Path(__file__).parents[2] / "crates/nn/tests/files/other/events.tfevents"

# (wall time, step, name, value), as the test of crates/nn has them.
SCALARS = [
    (1700000000.25, 0, "loss", 0.5),
    (1700000000.5, 1, "loss", 0.0),
    (1700000001.0, 127, "validation", -1.5),
    (1700000001.5, 128, "learning rate", 1e-3),
    (1700000002.0, 2**31, "é/数", float("inf")),
    (1700000002.5, 2**40 + 3, "n" * 200, 16777217.0),
]


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(event):
    data = event.SerializeToString()
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


events = [Event(wall_time=1700000000.0, file_version="brain.Event:2")]
for wall_time, step, name, value in SCALARS:
    summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
    events.append(Event(wall_time=wall_time, step=step, summary=summary))
OUT.write_bytes(b"".join(map(record, events)))
