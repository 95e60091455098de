"""The accuracies that test_classify.c expects, by sklearn's liblinear: pip install scikit-learn; python classify_golden.py"""
import numpy as np
from sklearn.linear_model import LogisticRegression

N, D, STRENGTHS = 150, 6, (0.15, 1.5, 15.0, 150.0, 1500.0, 15000.0)


def fit(x, y, c):
    return LogisticRegression(solver="liblinear", C=c, tol=1e-10, max_iter=10000).fit(x, y)


def models_of(x, y, classes, c):
    """One against the rest; of two classes one model."""
    return [fit(x, y == k, c) for k in range(1 if classes == 2 else 0, classes)]


def learn(x, y, classes):
    """C by 2 folds that alternate in order of the classes."""
    order = np.argsort(y, kind="stable")
    folds = order[0::2], order[1::2]
    rights = [sum((answer(models_of(x[a], y[a], classes, c), x[b]) == y[b]).sum()
                  for a, b in (folds, folds[::-1])) for c in STRENGTHS]
    return models_of(x, y, classes, STRENGTHS[int(np.argmax(rights))])


def answer(models, x):
    scores = np.stack([m.decision_function(x) for m in models])
    return (scores[0] > 0).astype(int) if len(models) == 1 else scores.argmax(0)


for classes in (2, 3, 5):
    i, j = np.arange(N)[:, None], np.arange(D)[None]
    y = (i * i + i // 7)[:, 0] % classes
    x = (2.0 * np.sin(i * j + i + j) + 1.5 * np.cos(y[:, None] * 2 + j)).astype(np.float32).astype(float)
    x /= np.sqrt((x ** 2).sum(1).mean())
    order = np.argsort(y, kind="stable")
    right = 0
    for k in range(10):
        rest = np.concatenate([order[f::10] for f in range(10) if f != k])
        rest = np.sort(rest)
        right += (answer(learn(x[rest], y[rest], classes), x[order[k::10]]) == y[order[k::10]]).sum()
    print("\t\t{ %d, 0, %r }," % (classes, float(100.0 * right / N)))
    right = (answer(learn(x[:90], y[:90], classes), x[90:]) == y[90:]).sum()
    print("\t\t{ %d, 90, %r }," % (classes, float(100.0 * right / (N - 90))))
