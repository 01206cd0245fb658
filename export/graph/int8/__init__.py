"""The INT8 graph of a bundle for CPUs, ``model.int8.onnx``: which layers, from what frames, with which numbers."""
