"""The SemDeDup rule with probes: rows are also compared across the borders of clusters. An oracle, in plain numpy.

Beside its own cluster a row may name others that it probes. Rows i and j are compared if their clusters are the same,
or i probes the cluster of j, or j probes the cluster of i. Then, as without probes,

    score[j]        = max over rows i that are compared with j and rank before it of  <e_i, e_j>, clipped at 0 from below
    duplicate_of[j] = the i that reaches it (the earliest-ranking one on a tie); -1 where there is none

The rank is one order of all rows: cosine to the centroid of the row's own cluster, ties by row number.

    python semdedup_probes_oracle.py [--make] CASE_DIR     # checks the case's files, or writes them
"""
import sys
import numpy as np
from semdedup_oracle import normalise


def next_nearest(emb, centroids, cluster, count):
    """The case's probes: the centroids after a row's own, most similar first; -1 for rows without direction."""
    sims = normalise(emb) @ normalise(centroids).T
    sims[np.arange(len(emb)), cluster] = -np.inf
    probes = np.argsort(-sims, axis=1, kind="stable")[:, :count]
    probes[~emb.any(axis=1)] = -1
    return probes


def scores(emb, centroids, cluster, probes, keep="hard"):
    e = normalise(emb)
    sim_to_centroid = np.einsum("ij,ij->i", e, normalise(centroids)[cluster])
    by_rank = np.lexsort((np.arange(len(e)), sim_to_centroid if keep == "hard" else -sim_to_centroid))
    e, own, probes = e[by_rank], cluster[by_rank], probes[by_rank]
    visits = (probes[:, :, None] == own).any(axis=1)  # [i, j]: i probes the cluster of j
    compared = (own[:, None] == own) | visits | visits.T
    sims = np.where(np.tril(compared, -1), e @ e.T, -np.inf)  # [j, i]: i ranks before j
    best = sims.argmax(axis=1)  # the first of equals
    highest = sims[np.arange(len(e)), best]
    score = np.empty(len(e))
    duplicate_of = np.empty(len(e), np.int64)
    score[by_rank] = np.maximum(highest, 0)
    duplicate_of[by_rank] = np.where(highest > -np.inf, by_rank[best], -1)
    return score, duplicate_of


if __name__ == "__main__":
    out = sys.argv[-1]
    emb, centroids, cluster = (np.load(f"{out}/{n}.npy") for n in ("embeddings", "centroids", "cluster"))
    files = {"probes": next_nearest(emb, centroids, cluster, 3).astype(np.int32)}
    for keep in ("hard", "easy"):
        score, duplicate_of = scores(emb, centroids, cluster, files["probes"], keep)
        files |= {f"score_probes_{keep}": score.astype(np.float32), f"duplicate_of_probes_{keep}": duplicate_of}
    for name, values in files.items():
        if sys.argv[1] == "--make":
            np.save(f"{out}/{name}.npy", values)
        elif "score" in name:
            assert np.allclose(np.load(f"{out}/{name}.npy"), values, atol=2e-6), name
        else:
            assert (np.load(f"{out}/{name}.npy") == values).mean() > 0.99, name
