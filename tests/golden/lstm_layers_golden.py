#!/usr/bin/env python3
"""Makes the numbers of tests/model/test_import_lstm.c with PyTorch and safetensors.

lstm_two_layers.safetensors: the state_dict of a bidirectional nn.LSTM(6, 5, 2), and an attention vector;
lstm_forward.safetensors: that of a module with an nn.LSTM(6, 5).  lstm_layers.txt: 8 word vectors; then for each of
the two LSTMs the text vectors of words 3 1 4 1 5 by mean, max, last and attention (the second: but attention).
"""
import torch
from safetensors.torch import save_file

torch.manual_seed(2)
vectors = torch.randn(8, 6)
ids = [3, 1, 4, 1, 5]
x = torch.nn.functional.normalize(vectors[ids]) * 6**0.5


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(6, 5, batch_first=True)


two = torch.nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)
one = Encoder()
attention = torch.randn(10)
save_file({**two.state_dict(), "attention": attention}, "tests/golden/lstm_two_layers.safetensors")
save_file(one.state_dict(), "tests/golden/lstm_forward.safetensors")
with torch.no_grad():
    lines = [vectors]
    for lstm, directions in ((two, 2), (one.rnn, 1)):
        states, (h_n, _) = lstm(x[None])
        states = states[0]
        lines += [states.mean(0), states.max(0).values, h_n[-directions:].flatten()]
        if directions == 2:
            lines.append(torch.softmax(states @ attention, 0) @ states)
with open("tests/golden/lstm_layers.txt", "w") as f:
    for t in lines:
        f.write(" ".join("%.9g" % v for v in t.flatten().tolist()) + "\n")
