#!/usr/bin/env python3
"""Makes tests/golden/lstm.txt with PyTorch: a bidirectional nn.LSTM(3, 4), 5 inputs, its outputs.

Lines: weight_ih, weight_hh, bias_ih, bias_hh forward, the same reverse, x, outputs; row-major.
"""
import torch

torch.manual_seed(1)
layer = torch.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
x = 2 * torch.randn(1, 5, 3)
with torch.no_grad():
    tensors = [p for p in layer.parameters()] + [x, layer(x)[0]]
with open("tests/golden/lstm.txt", "w") as f:
    for t in tensors:
        f.write(" ".join("%.9g" % v for v in t.flatten().tolist()) + "\n")
