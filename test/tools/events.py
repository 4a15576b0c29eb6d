"""Reads TensorBoard's event files with nothing but the standard library."""

import pathlib
import struct

TABLE = []
for index in range(256):
    for _ in range(8):
        index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)
    TABLE.append(index)


def masked_sum(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """Yields number and raw value of each field of a protobuf message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            if kind == 2:
                size, at = varint(data, at)
            else:
                size = {1: 8, 5: 4}[kind]
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("field must fit its message: got a longer one")
        yield key >> 3, value


def event(data):
    """Returns wall time, step, {tag: value} and whether it is a restart."""
    wall, step, values, restart = 0.0, 0, {}, False
    for number, value in fields(data):
        if number == 1:
            wall, = struct.unpack("<d", value)
        elif number == 2:
            step = value
        elif number == 5:  # summary
            for _, one in fields(value):
                row = dict(fields(one))
                if 2 in row:
                    values[row[1].decode()], = struct.unpack("<f", row[2])
        elif number == 7:  # session log
            restart = dict(fields(value)).get(1) == 1
    return wall, step, values, restart


def read(path):
    """Yields the events of a file, every sum checked."""
    data, at = pathlib.Path(path).read_bytes(), 0
    while at < len(data):
        head = data[at:at + 12]
        size, crc = struct.unpack("<QI", head)
        body = data[at + 12:at + 12 + size]
        tail, = struct.unpack("<I", data[at + 12 + size:at + 16 + size])
        if masked_sum(head[:8]) != crc or masked_sum(body) != tail:
            raise ValueError(f"{path}: sums must match at byte {at}")
        yield event(body)
        at += 16 + size
