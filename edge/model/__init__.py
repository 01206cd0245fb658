"""The model folder (bundle), and the way of a frame into the model and of its boxes back."""
