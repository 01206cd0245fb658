"""Recordings of a flight: what stands on the disk, how it gets there, how it is read back.

format.py    one checked record: kind, lengths, CRC-32, JSON, bytes
codec.py     pixels <-> bytes, lossless
contents.py  segment header and frame <-> record
segment.py   one file that only grows by whole records
writer.py    segments, fsync, disk budget
reader.py    everything up to the first damage, and what was lost
"""

from edge.recording.contents import Origin
from edge.recording.reader import Recording
from edge.recording.writer import RecordingWriter

__all__ = ["Origin", "Recording", "RecordingWriter"]
