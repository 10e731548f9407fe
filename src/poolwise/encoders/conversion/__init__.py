"""Conversion of pickles and TensorFlow weights to safetensors, in a process of its own."""
