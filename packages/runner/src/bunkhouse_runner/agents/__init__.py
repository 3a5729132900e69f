"""One module for each way of driving an agent; `base` is the port that they fill."""
