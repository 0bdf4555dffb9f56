"""The tree of the log: FORMAT.md, section 4; RFC 6962 and RFC 9162, section 2.1."""

import hashlib


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(index, size):
    """How many hashes of a proof lie within the tree around an entry, and how many at its right border."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, bin(index >> inner).count("1")


def _inner(seed, proof, index):
    for i, h in enumerate(proof):
        seed = node(h, seed) if index >> i & 1 else node(seed, h)
    return seed


def _inner_right(seed, proof, index):
    for i, h in enumerate(proof):
        if index >> i & 1:
            seed = node(h, seed)
    return seed


def _border(seed, proof):
    for h in proof:
        seed = node(h, seed)
    return seed


def included(index, size, leaf_hash, proof, root):
    """Whether an entry with that leaf is at index in a tree of size entries."""
    if index >= size:
        return False
    inner, border = _split(index, size)
    if len(proof) != inner + border:
        return False
    return _border(_inner(leaf_hash, proof[:inner], index), proof[inner:]) == root


def grew(size1, size2, proof, root1, root2):
    """Whether a tree of size2 entries begins with that of size1."""
    if size2 < size1:
        return False
    if size1 == size2:
        return not proof and root1 == root2
    if size1 == 0:
        return not proof
    if not proof:
        return False
    inner, border = _split(size1 - 1, size2)
    shift = (size1 & -size1).bit_length() - 1
    inner -= shift
    seed, start = proof[0], 1
    if size1 == 1 << shift:
        seed, start = root1, 0
    if len(proof) != start + inner + border:
        return False
    proof = proof[start:]
    mask = (size1 - 1) >> shift
    if _border(_inner_right(seed, proof[:inner], mask), proof[inner:]) != root1:
        return False
    return _border(_inner(seed, proof[:inner], mask), proof[inner:]) == root2
