"""The detector as one static ONNX graph, in the precision that it runs with, and its bundle."""
