"""The checks of a bundle, in the order of FORMAT.md, section 9."""

import hashlib

from . import canonical, container, documents, forms, merkle, notes, protobuf, thermal
from .clocks import Hull, Majority
from .facts import Facts
from .limits import Malformed
from .readings import Readings
from .report import Report, clip
from .verdicts import Verdicts
from .walker import Walker

MANIFEST, NOTE = "manifest.json", "manifest.note"
EVENTS, INCLUSION, KEYS, SEALS = "events.jsonl", "inclusion.jsonl", "keys.jsonl", "seals.jsonl"
CONSISTENCY, FIRST, LAST = "consistency.json", "checkpoint/first", "checkpoint/last"
NEEDED = (NOTE, CONSISTENCY, EVENTS, FIRST, LAST, INCLUSION, KEYS, SEALS, "README.txt")
OLDEST, VERSION = 1, 3


def record(b, form):
    """Canonical JSON of a form."""
    v = canonical.loads(b)
    if not form(v):
        raise Malformed(canonical.NOT_CANONICAL)
    return v


class Checks:
    """A verification under way. Each step says whether the next can be made."""

    def __init__(self, ed25519, key=None, witnesses=(), allow_unsigned=False):
        self.report = Report()
        self.fail = self.report.fail
        self.ed25519, self.pinned, self.witnesses, self.allow_unsigned = ed25519, key, list(witnesses), allow_unsigned
        self.files, self.manifest, self.raw = {}, None, None
        self.size, self.root = 0, b""
        self.proofs = {}  # (kind, name): [record, line, used]
        self.bundle_key, self.seal_keys = None, {}
        self.events, self.seals = [], {}  # (gateway, epoch, number): [head, readings, used]
        self.facts = self.readings = None

    def run(self, data, size):
        steps = (
            lambda: self.container(data, size), self.read_manifest, self.checkpoints, self.inclusion, self.keys, self.read_events,
            self.documents, self.read_seals, self.chains, self.unused, self.verdicts,
        )
        for step in steps:
            if not step():
                break
        self.hashes()
        self.report.holds = not self.report.problems
        return self.report

    def lines(self, name):
        """The lines of a file; one that cannot be read is a problem and ends them."""
        try:
            yield from self.files[name].lines()
        except Malformed as e:
            self.fail("file", str(e), file=name)
            self._cut = True

    def each_line(self, name, take):
        self._cut = False
        for number, line in self.lines(name):
            take(number, line)
        return not self._cut

    # 1. container, 2. manifest

    def container(self, data, size):
        try:
            files = container.read(data, size)
        except Malformed as e:
            self.fail("container", str(e))
            return False
        self.files = {f.name: f for f in files}
        self.report.counts["files"] = len(files)
        return True

    def read_manifest(self):
        r = self.report

        def bad(detail, file=MANIFEST, **where):
            self.fail("manifest", detail, file=clip(file), **where)
            return False

        if MANIFEST not in self.files:
            return bad("it is missing")
        try:
            self.raw = self.files[MANIFEST].bytes()
            m = self.manifest = record(self.raw, forms.manifest)
        except Malformed as e:
            return bad(str(e))
        r.shipment, r.engine, r.origin = m["shipment"], m["engine"], m["origin"]
        if not OLDEST <= m["bundle"] <= VERSION:
            return bad(f"format {m['bundle']}: this program knows {OLDEST} to {VERSION}; use one that is as new as the bundle", field="bundle")
        if m["engine"] != thermal.ENGINE:
            return bad(f"verdicts were made by engine {clip(m['engine'])}: this program has {thermal.ENGINE}", field="engine")
        listed, before = {MANIFEST, NOTE}, None
        for d in m["files"]:
            name = d["name"]
            if name in listed or before is not None and before >= name:
                bad("it is listed twice or out of order", name)
            listed.add(name)
            before = name
            if name not in self.files:
                bad("it was removed: the manifest lists it", name)
        for name in self.files:
            if name not in listed:
                bad("it was added: the manifest does not list it", name)
        for name in NEEDED:
            if name not in self.files:
                return bad("it is missing", name)
        return True

    # 3. checkpoints and consistency

    def checkpoints(self):
        m, r = self.manifest, self.report
        r.key, r.pinned = m["key"], self.pinned is not None
        if r.pinned and self.pinned != m["key"]:
            self.fail(
                "checkpoint", f"the bundle is of the log with key {m['key'][:200]}, and another was given", file=MANIFEST, field="key"
            )
            return False
        key = notes.log_key(m["key"])
        if key is None or key.name != m["origin"]:
            self.fail("checkpoint", "it is no verifier key of the log named in origin", file=MANIFEST, field="key")
            return False
        if not r.pinned:
            r.reserve("the log's key is taken from the bundle itself: get it from the hub (frostline evidence key) and give it with --key")
        last = self.checkpoint(LAST, m["checkpoint"], key, True)
        first = last and self.checkpoint(FIRST, m["first"], key, False)
        if not first:
            return False
        self.size, self.root = last
        r.checkpoint = self.size
        try:
            c = record(self.files[CONSISTENCY].bytes(), forms.consistency)
            good = (c["from"], c["to"]) == (first[0], last[0]) and merkle.grew(
                first[0], last[0], [notes.decode64(h) for h in c["proof"]], first[1], last[1]
            )
        except Malformed:
            good = False
        if not good:
            detail = f"the log of {last[0]} entries is not proved to have grown from that of {first[0]}"
            self.fail("consistency", detail, file=CONSISTENCY)
        return good

    def checkpoint(self, name, said, key, last):
        def bad(detail):
            self.fail("checkpoint", detail, file=name)

        try:
            b = self.files[name].bytes()
        except Malformed as e:
            return bad(str(e))
        witnesses = [notes.witness_key(w) for w in self.witnesses]
        note = notes.open_note(b, [key] + witnesses, self.ed25519)
        parsed = note and key in note.signed and notes.parse_checkpoint(note.text, self.manifest["origin"])
        if not parsed:
            return bad("it is not a checkpoint signed by the log's key, or a witness's line in it is wrong")
        size, root, rest = parsed
        if rest or len(root) != 32:
            return bad("it has more lines, or another root, than a checkpoint of this log")
        if size != said["size"] or root.hex() != said["root"]:
            return bad(f"it is of {size} entries with root {root.hex()}, the manifest names {said['size']} with {said['root'][:64]}")
        if last:
            self.cosigned(name, note, witnesses)
        return size, root

    def cosigned(self, name, note, witnesses):
        self.report.unchecked = note.unknown
        for text, w in zip(self.witnesses, witnesses):
            if any(k.name == w.name and k.hash == w.hash for k in note.signed):
                self.report.witnesses.append(w.name)
            else:
                self.fail("witness", f"witness {w.name} has not cosigned it (key {text[:120]})", file=name)
        if not witnesses:
            self.report.reserve("no witness's key was given: that the log shows everybody the same is the hub's word alone")

    # 4. what is in the log

    def inclusion(self):
        last = -1

        def take(number, line):
            nonlocal last

            def bad(detail):
                self.fail("inclusion", detail, file=INCLUSION, line=number)

            try:
                p = record(line, forms.inclusion)
            except Malformed as e:
                return bad(str(e))
            if p["index"] <= last:
                return bad(f"entry {p['index']} after {last}: proofs ascend by entry")
            name = p["kind"], p["name"]
            if name in self.proofs:
                return bad(f"{clip(p['kind'])} {clip(p['name'])} has two proofs")
            last = p["index"]
            self.proofs[name] = [p, number, False]

        return self.each_line(INCLUSION, take)

    def included(self, kind, name, entry):
        """(index, None) of an entry of the log, or (None, why it is none)."""
        proof = self.proofs.get((kind, name))
        if proof is None:
            return None, "there is no proof that it is in the log: it was added or changed, or its proof was removed"
        p, line, used = proof
        if used:
            return None, "it comes twice"
        proof[2] = True
        self.report.counts["proofs"] += 1
        hashes = [notes.decode64(h) for h in p["proof"]]
        if not merkle.included(p["index"], self.size, merkle.leaf(entry), hashes, self.root):
            why = f"it, or its proof in {INCLUSION} line {line}, was changed: as it is here, it is not entry {p['index']} of the log"
            return None, why
        return p["index"], None

    def unused(self):
        for (kind, name), (_, line, used) in self.proofs.items():
            if not used:
                detail = f"{clip(kind)} {clip(name)} was removed from the bundle: there is a proof of it"
                self.fail("inclusion", detail, file=INCLUSION, line=line, event=clip(name) if kind == "event" else "")
        return True

    def keys(self):
        def take(number, line):
            def bad(detail, **where):
                self.fail("key", detail, file=KEYS, line=number, **where)

            try:
                k = record(line, forms.key)
            except Malformed as e:
                return bad(str(e))
            gateway = k.get("gateway", "")
            name = f"{k['use']}/{gateway}/{k['id']}" if gateway else f"{k['use']}/{k['id']}"
            _, why = self.included("key", name, b"frostline key 1\n" + line)
            if why:
                return bad(f"key {clip(name)}: {why}", gateway=clip(gateway))
            if k["use"] == "bundle":
                v = notes.log_key(k["public"])
                if v is None or v.name != self.manifest["origin"] + "/bundle" or k["id"] != v.name or self.bundle_key:
                    return bad("want one bundle key, named as the log with /bundle")
                self.bundle_key = v
            elif k["use"] == "seal":
                public = notes.decode64(k["public"])
                if public is None or len(public) != 32 or hashlib.sha256(public).digest()[:8].hex() != k["id"]:
                    return bad(f"seal key {clip(k['id'])} of gateway {clip(gateway)} is no Ed25519 key of that id")
                self.seal_keys[gateway, k["id"]] = public
            else:
                return bad(f"it is for use {clip(k['use'])}: want bundle or seal")

        return self.each_line(KEYS, take)

    def read_events(self):
        m, heads, found, ids = self.manifest, {}, {}, set()
        before = None
        for h in m["streams"]:
            if before is not None and before >= h["stream"]:
                self.fail("manifest", "streams are not in order", file=MANIFEST, stream=clip(h["stream"]))
            before = h["stream"]
            heads[before] = h["events"]
        position = index = 0

        def take(number, line):
            nonlocal position, index
            where = {"file": EVENTS, "line": number}

            def bad(detail, check="event", field=""):
                self.fail(check, detail, field=field, **where)

            try:
                e = record(line, forms.event)
            except Malformed as problem:
                where["event"], where["stream"] = map(clip, canonical.named(line))
                return bad(str(problem))
            where["event"], where["stream"] = clip(e["id"]), clip(e["stream"])
            entry = b"frostline event 1\n" + line
            if len(line) > 60_000:
                digest = hashlib.sha256(line).hexdigest()
                entry = f"frostline event digest 1\n{e['id']}\n{e['stream']}\n{e['position']}\n{digest}\n".encode()
            at, why = self.included("event", f"{e['position']}/{e['id']}", entry)
            if why:
                return bad(why)
            if e["position"] <= position or self.events and at <= index:
                detail = f"event at position {e['position']} follows one at {position}: they were put into another order"
                return bad(detail, field="position")
            if e["position"] > m["position"]:
                return bad(f"it lies after position {m['position']}, the last that the manifest speaks of", field="position")
            if e["id"] in ids:
                return bad("it comes twice", field="id")
            want = found.get(e["stream"], 0) + 1
            if e["version"] < want:
                detail = f"version {e['version']} comes after version {want - 1}: the log contradicts itself"
                return bad(detail, "stream", "version")
            if e["version"] > want:
                detail = f"version {want} of the stream was removed: {e['version']} follows {want - 1}"
                self.fail("stream", detail, stream=where["stream"], file=EVENTS, line=number, field="version")
            position, index = e["position"], at
            ids.add(e["id"])
            found[e["stream"]] = e["version"]
            form = forms.facts.get(e["type"])
            if e["type"] == forms.COMMENTED and m["bundle"] >= documents.FIRST_FORMAT:
                form = forms.comment
            if form and not form(e["data"]):
                return bad("what it says is not in the form of JOIN.md for its type", field="data")
            self.events.append(e)

        ok = self.each_line(EVENTS, take)
        for h in m["streams"]:
            n = found.get(h["stream"], 0)
            if n < h["events"]:
                detail = f"version {n + 1} of the stream was removed: the manifest says that it has {h['events']}"
                self.fail("stream", detail, stream=clip(h["stream"]), file=EVENTS)
        for s in sorted(s for s, n in found.items() if n > heads.get(s, 0)):
            self.fail("stream", f"it has {found[s]} events, the manifest says {heads.get(s, 0)}", stream=clip(s), file=MANIFEST)
        self.report.counts["events"], self.report.counts["streams"] = len(self.events), len(found)
        return ok

    def documents(self):
        documents.Documents(self).check()
        return True

    def read_seals(self):
        self.ask_ahead()

        def take(number, line):
            where = {"file": SEALS, "line": number}

            def bad(detail):
                self.fail("seal", detail, **where)

            try:
                s = record(line, forms.seal)
            except Malformed as e:
                return bad(str(e))
            where.update(gateway=clip(s["gateway"]), epoch=s["epoch"], block=s["number"])
            raw = notes.decode64(s["seal"])
            name = f"{s['gateway']}/{s['epoch']}/{s['number']}"
            _, why = self.included("seal", name, f"frostline sealed chain 1\n{s['gateway']}\n".encode() + raw)
            if why:
                return bad("seal: " + why)
            m = protobuf.seal(raw)
            if m is None:
                return bad("seal is not in its canonical form")
            epoch, block, key_id = m.get("epoch", 0), m.get("number", 0), m.get("key_id", b"").hex()
            if (epoch, block) != (s["epoch"], s["number"]):
                return bad(f"seal is of epoch {epoch}, block {block}")
            key = self.seal_keys.get((s["gateway"], key_id))
            if key is None:
                return bad(f"seal was made by key {key_id}, which {KEYS} does not have for the gateway")
            head = m.get("head", b"")
            if len(head) != 32 or not self.ed25519.verify(key, seal_text(s["gateway"], m), m.get("signature", b"")):
                return bad(f"it was not made by the gateway's key {key_id}, or was changed")
            name = s["gateway"], epoch, block
            if name in self.seals:
                return bad("it has two seals")
            self.seals[name] = [head, m.get("readings", 0), False]
            self.report.counts["seals"] += 1

        return self.each_line(SEALS, take)

    def ask_ahead(self):
        """Verifies the signatures of all seals that can be read, several at a time."""
        jobs = []
        try:
            for _, line in self.files[SEALS].lines():
                try:
                    s = record(line, forms.seal)
                except Malformed:
                    continue
                m = protobuf.seal(notes.decode64(s["seal"]))
                key = m and self.seal_keys.get((s["gateway"], m.get("key_id", b"").hex()))
                if key:
                    jobs.append((key, seal_text(s["gateway"], m), m.get("signature", b"")))
        except Malformed:
            pass
        self.ed25519.verify_all(jobs)

    # 5. chains, 6. verdicts

    def chains(self):
        self.facts = Facts(self.events)
        self.readings = Readings(self.facts.sensors_placed, Hull if self.manifest["bundle"] == 1 else Majority)
        names, before = set(), None
        for c in self.manifest["chains"]:
            gateway, epoch = c["gateway"], c["epoch"]
            name = f"chains/{gateway}/{epoch}"
            where = {"gateway": clip(gateway), "epoch": epoch}
            if name in names or before is not None and before > gateway:
                self.fail("manifest", "chains are not in order", file=MANIFEST, **where)
                return False
            names.add(name)
            before = gateway
            if name not in self.files:
                self.fail("chain", "the file was removed", file=clip(name), **where)
                continue
            Walker(self, c, name).walk(self.files[name])
        for name in self.files:
            if name.startswith("chains/") and name not in names:
                self.fail("chain", "the manifest does not speak of this chain", file=name)
        for (gateway, epoch, number), (_, _, used) in sorted(self.seals.items()):
            if not used and not self.report.problems:
                detail = "it is of no block in the bundle: the blocks were removed"
                self.fail("seal", detail, gateway=clip(gateway), epoch=epoch, block=number, file=SEALS)
        return True

    def verdicts(self):
        if not self.report.problems:
            Verdicts(self).check()
        return True

    # 7. hashes, and the signature of the manifest

    def hashes(self):
        if self.raw is None:
            return
        for d in self.manifest["files"] if self.manifest else ():
            f = self.files.get(d["name"])
            if f is None:
                continue
            digest = hashlib.sha256()
            for b in f.chunks():
                digest.update(b)
            if digest.hexdigest() != d["sha256"] or f.size != d["size"]:
                self.fail("file", "its SHA-256 is not what the manifest says: it was changed", file=f.name)
            elif f.checksum() != f.crc:
                self.fail("container", "its zip checksum was changed", file=f.name)
        for name in (MANIFEST, NOTE):
            f = self.files.get(name)
            if f is not None and f.checksum() != f.crc:
                self.fail("container", "its zip checksum is not that of its bytes", file=name)
        self.signature()

    def signature(self):
        def bad(detail, file=NOTE):
            self.fail("manifest", detail, file=file)

        f = self.files.get(NOTE)
        if f is None:
            return None
        if self.bundle_key is None:
            if not self.report.problems:
                bad("the key to check it by is not known")
            return None
        try:
            b = f.bytes()
        except Malformed as e:
            return bad(str(e))
        note = notes.open_note(b, [self.bundle_key], self.ed25519)
        if note is None:
            return bad("its signature does not verify by the hub's bundle key")
        if len(note.signed) != 1 or b.count(b"\n", len(note.text)) != 2:
            return bad("want one signature alone")
        digest = hashlib.sha256(self.raw).hexdigest()
        if note.text != f"frostline evidence bundle {self.manifest['bundle']}\nsha256 {digest}\nshipment {self.manifest['shipment']}\n".encode():
            return bad("it is not the manifest that the hub has signed", MANIFEST)
        return None


def seal_text(gateway, m):
    """The text that a seal signs: FORMAT.md, section 7."""
    text = f"frostline seal 1\n{gateway}\n{m.get('epoch', 0)} {m.get('number', 0)} {m.get('readings', 0)}\n{m.get('head', b'').hex()}\n"
    if "anchor" in m:
        a = m["anchor"]
        text += " ".join(str(a.get(f, 0)) for f in ("boot", "at_ms", "utc_ms", "uncertainty_ms", "source"))
    return (text + "\n").encode()

