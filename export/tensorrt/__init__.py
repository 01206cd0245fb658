"""The TensorRT engine: built in a process of its own, and read back as a plan."""
