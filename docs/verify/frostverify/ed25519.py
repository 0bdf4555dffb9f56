"""Ed25519 (RFC 8032) by the command openssl, version 3.0 or later."""

import concurrent.futures
import os
import shutil
import subprocess
import tempfile

from .limits import CannotCheck

# RFC 8032, section 7.1, test 2: what a working openssl says yes to.
_TEST = (
    bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
    bytes.fromhex("72"),
    bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
)

# SubjectPublicKeyInfo of an Ed25519 key, RFC 8410, before its 32 bytes.
_SPKI = bytes.fromhex("302a300506032b6570032100")


class Verifier:
    """Verifies signatures. Use it as a context: it has a temporary directory."""

    def __enter__(self):
        self._openssl = shutil.which("openssl")
        if self._openssl is None:
            raise CannotCheck("openssl is not installed: it is needed for Ed25519")
        self._dir = tempfile.TemporaryDirectory(prefix="frostverify-")
        self._known = {}
        self._number = 0
        public, message, signature = _TEST
        if self.verify_all([_TEST, (public, message + b"\n", signature)]) != [True, False]:
            self._dir.cleanup()
            raise CannotCheck("openssl pkeyutl does not verify Ed25519 as it should: version 3.0 or later is needed")
        self._known.clear()
        return self

    def __exit__(self, *_):
        self._dir.cleanup()

    def verify(self, public, message, signature):
        """Whether signature is that of message by the 32 bytes of a public key."""
        return self.verify_all([(public, message, signature)])[0]

    def verify_all(self, jobs):
        """verify for many (public, message, signature), several at a time."""
        todo = [job for job in dict.fromkeys(jobs) if job not in self._known]
        numbered = list(enumerate(todo, self._number))
        self._number += len(todo)
        with concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for job, ok in zip(todo, pool.map(self._run, numbered)):
                self._known[job] = ok
        return [self._known[job] for job in jobs]

    def _run(self, numbered):
        number, (public, message, signature) = numbered
        if len(public) != 32 or len(signature) != 64:
            return False
        names = []
        for kind, b in (("key", _SPKI + public), ("message", message), ("signature", signature)):
            names.append(os.path.join(self._dir.name, f"{number}.{kind}"))
            with open(names[-1], "wb") as f:
                f.write(b)
        key, text, sig = names
        try:
            done = subprocess.run(
                [self._openssl, "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin", "-in", text, "-sigfile", sig],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            raise CannotCheck(f"openssl: {e}") from e
        finally:
            for name in names:
                os.unlink(name)
        if done.returncode not in (0, 1):
            raise CannotCheck(f"openssl ended with status {done.returncode}: {done.stdout.decode('utf-8', 'replace').strip()}")
        return done.returncode == 0
