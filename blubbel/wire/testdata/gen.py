#!/usr/bin/env python3
"""Writes the recorded vectors of blubbel: blubbel/*.json beside this file.

It follows docs/protocols/blubbel/specification.md and nothing else: it shares
no code with the packages that the vectors test and needs only the standard
library of Python. RSA, OAEP and DER are written out below. Its random numbers
come from a fixed seed, so that a second run writes the same files:

    python3 blubbel/wire/testdata/gen.py

The secret keys in the files are for tests only.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import struct

OUT = pathlib.Path(__file__).parent / "blubbel"
E = 65537
RSA_OID = bytes.fromhex("06092a864886f70d010101")
PSS_OID = bytes.fromhex("06092a864886f70d01010a")
LOGIN, SESSION = b"blubbel login v1", b"blubbel session v1"
PRODUCED = "Written by gen.py, which follows the specification in Python and shares no code with the packages tested. "


class Random:
    """A stream of bytes that depends on its seed alone."""

    def __init__(self, seed):
        self.seed, self.count = seed.encode(), 0

    def bytes(self, n):
        out = b""
        while len(out) < n:
            out += hashlib.sha256(self.seed + struct.pack(">Q", self.count)).digest()
            self.count += 1
        return out[:n]

    def number(self, bits):
        return int.from_bytes(self.bytes((bits + 7) // 8), "big") & ((1 << bits) - 1)


# --- RSA ---------------------------------------------------------------------

SMALL = [p for p in range(3, 4000) if all(p % q for q in range(2, int(p**0.5) + 1))]


def is_prime(n, rnd):
    if any(n % p == 0 for p in SMALL):
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(12):
        x = pow(2 + rnd.number(256), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(bits, rnd):
    while True:
        p = rnd.number(bits) | 3 << (bits - 2) | 1
        if (p - 1) % E and is_prime(p, rnd):
            return p


class Key:
    """An RSA key pair with both encodings of its public half."""

    def __init__(self, bits):
        rnd = Random(f"key {bits}")
        self.p, self.q = prime(bits // 2, rnd), prime(bits // 2, rnd)
        self.n, self.size = self.p * self.q, bits // 8
        self.d = pow(E, -1, (self.p - 1) * (self.q - 1))
        self.public = self.n.to_bytes(128, "big") if bits == 1024 else spki(self.n)

    def pem(self):
        p, q, d = self.p, self.q, self.d
        pkcs1 = seq(*map(integer, (0, self.n, E, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))))
        der = seq(integer(0), seq(RSA_OID, b"\x05\x00"), tlv(0x04, pkcs1))
        text = base64.encodebytes(der).replace(b"\n", b"").decode()
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])

    def seal(self, data, label, rnd, room=None):
        """Blocks of RSA-OAEP with SHA-256, each of at most room bytes of data."""
        room, out = room or self.size - 66, b""
        for i in range(0, max(len(data), 1), room):
            out += self.oaep(data[i : i + room], label, rnd.bytes(32))
        return out

    def oaep(self, data, label, seed):
        db = hashlib.sha256(label).digest()
        db += bytes(self.size - len(data) - 66) + b"\x01" + data
        db = xor(db, mgf1(seed, len(db)))
        seed = xor(seed, mgf1(db, 32))
        return pow(int.from_bytes(seed + db, "big"), E, self.n).to_bytes(self.size, "big")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def mgf1(seed, n):
    out, count = b"", 0
    while len(out) < n:
        out += hashlib.sha256(seed + struct.pack(">I", count)).digest()
        count += 1
    return out[:n]


# --- DER ---------------------------------------------------------------------


def length(n):
    if n < 0x80:
        return bytes([n])
    b = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(b)]) + b


def tlv(tag, body):
    return bytes([tag]) + length(len(body)) + body


def seq(*parts):
    return tlv(0x30, b"".join(parts))


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def spki(n, e=E, algorithm=RSA_OID + b"\x05\x00"):
    return wrap(seq(integer(n), integer(e)), algorithm)


def wrap(body, algorithm=RSA_OID + b"\x05\x00", unused=0):
    return seq(seq(algorithm), tlv(0x03, bytes([unused]) + body))


# --- the files ---------------------------------------------------------------


def text_form(key):
    return "blubbel:" + base64.urlsafe_b64encode(key).decode().rstrip("=")


def fingerprint(key):
    digits = hashlib.sha256(key).hexdigest()[:40]
    return " ".join(digits[i : i + 4] for i in range(0, 40, 4))


def good_key(name, key, bits):
    return {"name": name, "key": key.hex(), "form": "raw" if len(key) == 128 else "der", "bits": bits,
            "text": text_form(key), "fingerprint": fingerprint(key)}


def bad_keys(keys):
    n, raw = keys[2048].n, keys[1024].public
    der = keys[2048].public
    rnd = Random("bad keys")
    def odd(bits):
        return rnd.number(bits) | 1 << (bits - 1) | 1
    body = seq(integer(n), integer(E))
    yield "empty", b"", "no bytes"
    yield "raw-127", raw[:127], "127 bytes are no raw key"
    yield "raw-129", raw + b"\x01", "129 bytes are no raw key"
    yield "raw-even", raw[:127] + bytes([raw[127] & 0xFE]), "an even modulus"
    yield "raw-top-bit-clear", bytes([raw[0] & 0x7F]) + raw[1:], "a modulus of 1023 bits"
    yield "raw-zero", bytes(128), "no modulus"
    yield "raw-with-der-head", der[:21] + raw[21:], "a raw key that begins as a DER key"
    yield "raw-with-der-head-of-128", b"\x30\x82\x00\x7c" + der[4:21] + raw[21:], "a DER head that gives itself 128 bytes"
    yield "exponent-3", spki(n, 3), "exponent 3"
    yield "exponent-1", spki(n, 1), "exponent 1"
    yield "exponent-65539", spki(n, 65539), "another exponent"
    yield "exponent-2-33", spki(n, (1 << 33) + 1), "an exponent above 32 bits"
    for bits in (1024, 2040, 2047, 2049, 2052, 4095, 4097, 4104):
        yield f"bits-{bits}", spki(odd(bits)), f"a modulus of {bits} bits"
    yield "even-modulus", spki(n - 1), "an even modulus"
    yield "negative-modulus", wrap(seq(tlv(0x02, n.to_bytes(256, "big")), integer(E))), "a negative modulus"
    yield "modulus-with-two-zeros", wrap(seq(tlv(0x02, bytes(2) + n.to_bytes(256, "big")), integer(E))), "an integer that is not minimal"
    yield "exponent-with-zero", wrap(seq(integer(n), tlv(0x02, b"\x00\x01\x00\x01"))), "an integer that is not minimal"
    yield "trailing-byte", der + b"\x00", "a byte after the key"
    yield "trailing-in-bit-string", wrap(body + b"\x05\x00"), "bytes after the RSA key in the bit string"
    yield "third-integer", wrap(seq(integer(n), integer(E), integer(1))), "a third number in the RSA key"
    yield "trailing-in-outer", seq(seq(RSA_OID + b"\x05\x00"), tlv(0x03, b"\x00" + body), b"\x05\x00"), "a third part of the key info"
    yield "last-byte-missing", der[:-1], "cut"
    yield "head-only", der[:21], "cut after the head"
    yield "null-missing", spki(n, algorithm=RSA_OID), "no parameters of the algorithm"
    yield "parameters-not-null", spki(n, algorithm=RSA_OID + b"\x02\x00"), "other parameters of the algorithm"
    yield "pss", spki(n, algorithm=PSS_OID + b"\x05\x00"), "a key for RSASSA-PSS"
    yield "unused-bits", wrap(body, unused=1), "a bit string that does not end with a byte"
    inner = der[4:]
    yield "outer-length-of-3-bytes", b"\x30\x83\x00" + der[2:4] + inner, "a length that is not minimal"
    yield "outer-length-indefinite", b"\x30\x80" + inner + b"\x00\x00", "an indefinite length"
    yield "outer-length-1-short", b"\x30\x82" + struct.pack(">H", len(inner) - 1) + inner, "a length that does not fit"
    yield "outer-length-1-long", b"\x30\x82" + struct.pack(">H", len(inner) + 1) + inner, "a length that does not fit"
    e_long = b"\x02\x81\x03\x01\x00\x01"
    yield "inner-length-not-minimal", wrap(seq(integer(n), e_long)), "a length that is not minimal"
    set_body = b"\x31" + body[1:]
    yield "set-for-sequence", wrap(set_body), "a set instead of a sequence"
    point = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + rnd.bytes(64)
    yield "p-256", point, "an elliptic curve key"
    yield "pkcs-1", body, "an RSA key without its key info"
    yield "text-form", text_form(raw).encode(), "the text form instead of the bytes"


def bad_texts(keys):
    raw, der = text_form(keys[1024].public), text_form(keys[2048].public)
    yield "text-empty", "", "nothing"
    yield "text-prefix-only", "blubbel:", "no key"
    yield "text-prefix-missing", raw.removeprefix("blubbel:"), "no prefix"
    yield "text-prefix-capital", raw.replace("blubbel", "Blubbel"), "another prefix"
    yield "text-slashes", raw.replace(":", "://"), "another prefix"
    yield "text-padded", raw + "=", "padding"
    yield "text-other-alphabet", "blubbel:" + base64.b64encode(keys[1024].public).decode().rstrip("="), "the alphabet with + and /"
    # 128 bytes end with a character of which four bits count.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(raw[-1]) | 1]
    assert last != raw[-1]
    yield "text-trailing-bits", raw[:-1] + last, "bits after the last byte"
    yield "text-one-character-missing", raw[:-1], "127 bytes"
    yield "text-line-break-inside", raw[:60] + "\n" + raw[60:], "a line break inside"
    yield "text-return-inside", raw[:60] + "\r" + raw[60:], "a carriage return inside"
    yield "text-space-inside", raw[:60] + " " + raw[60:], "a space inside"
    yield "text-twice", der + der, "two keys"
    yield "text-hex", "blubbel:" + keys[1024].public.hex(), "hexadecimal"
    yield "text-too-long", "blubbel:" + "A" * 100000, "longer than any key"


def keys_file(keys):
    cases = [good_key(f"raw-{i + 1}", k, 1024) for i, k in enumerate(
        [keys[1024].public, b"\x80" + bytes(126) + b"\x01", b"\xff" * 128])]
    cases += [good_key(f"der-{bits}", keys[bits].public, bits) for bits in (2048, 2056, 3072, 4096)]
    cases += [{"name": name, "key": key.hex(), "reject": why} for name, key, why in bad_keys(keys)]
    cases += [{"name": name, "text": text, "reject": why} for name, text, why in bad_texts(keys)]
    return {"description": PRODUCED + "Public keys in both forms. A case with \"reject\" is no key, for that reason; every other "
            "case gives form, bits of the modulus, text form and fingerprint. \"key\" is hexadecimal.", "cases": cases}


class Packets:
    """Collects cases of packets.json."""

    def __init__(self):
        self.cases = []

    def add(self, packet, kind, direction, payload, **fields):
        name = f"0x{kind:02x}-{'c2s' if direction == 'to-server' else 's2c'}"
        name += f"-{1 + sum(c['name'].startswith(name) for c in self.cases)}"
        self.cases.append({"name": name, "packet": packet, "kind": kind, "direction": direction, "fields": fields,
                           "payload": payload.hex(), "frame": frame(kind, payload).hex()})


def frame(kind, payload):
    return struct.pack(">BI", kind, len(payload)) + payload


def packets_file(keys):
    p, rnd = Packets(), Random("packets")
    raw, der = keys[1024].public, keys[2048].public
    for key in (raw, der, keys[3072].public, keys[4096].public):
        p.add("Login", 1, "to-server", key, Key=key.hex())
    p.add("Login", 1, "to-server", b"", Key="")
    p.add("LoginAccepted", 1, "to-client", b"")
    for packet, kind, sizes in (("Start", 2, (0, 512, 640)), ("Accept", 3, (256, 512)), ("Message", 4, (0, 28, 1, 1500))):
        for direction in ("to-server", "to-client"):
            for peer, size in ((k, s) for k in (raw, der) for s in sizes):
                body = rnd.bytes(size)
                p.add(packet, kind, direction, peer + body, Peer=peer.hex(), Sealed=body.hex())
    for code, answered, peer, text in (
        (1, 0, b"", ""), (2, 4, b"", "not logged in"), (3, 1, b"", "already logged in"), (4, 0, b"", "key in use, or taken over"),
        (5, 1, raw, "bad key"), (6, 4, der, "recipient not connected"), (7, 4, keys[4096].public, "no session"), (8, 4, b"", "too large: größer"),
        (9, 2, raw, "x" * 256), (200, 77, b"\x01\x02", "a code that nobody knows"),
    ):
        payload = struct.pack(">BBH", code, answered, len(peer)) + peer + text.encode()
        p.add("Error", 5, "to-client", payload, Code=code, Answered=answered, Peer=peer.hex(), Text=text)
    for size in (256, 512, 0, 1024):
        body = rnd.bytes(size)
        p.add("Challenge", 6, "to-client", body, Sealed=body.hex())
    for mac in (rnd.bytes(32), bytes(32)):
        p.add("Proof", 6, "to-server", mac, MAC=mac.hex())
    return {"description": PRODUCED + "Every packet in every direction. \"payload\" is the packet, \"frame\" the payload with its type "
            "and length. Bytes are hexadecimal; \"Text\" is text.", "cases": p.cases}


def frames_file(keys):
    rnd, cases = Random("frames"), []

    def add(name, frames, stream=None, limit=65536, left=0, error=""):
        stream = b"".join(frame(k, b) for k, b in frames) if stream is None else stream
        cases.append({"name": name, "limit": limit, "stream": stream.hex(),
                      "frames": [{"kind": k, "payload": b.hex()} for k, b in frames], "left": left, "error": error})

    login, message = (1, keys[1024].public), (4, keys[1024].public + rnd.bytes(40))
    add("nothing", [])
    add("one-empty", [(1, b"")])
    add("one", [login])
    add("several", [login, (6, rnd.bytes(32)), message, (4, b""), (255, b"\x00")])
    add("kind-0", [(0, b"zero")])
    both = frame(*login) + frame(*message)
    for cut in (1, 4, 5, 6, 132):
        add(f"cut-at-{cut}", [], both[:cut], left=cut)
    for cut in (134, 137, 138, len(both) - 1):
        add(f"cut-in-second-at-{cut}", [login], both[:cut], left=cut - 133)
    add("at-limit", [(4, b"x" * 16)], limit=16)
    add("above-limit", [], frame(4, b"x" * 17), limit=16, left=22, error="too large")
    add("above-limit-head-only", [], frame(4, b"x" * 17)[:5], limit=16, left=5, error="too large")
    add("above-limit-after-one", [(4, b"ok")], frame(4, b"ok") + frame(4, b"x" * 17), limit=16, left=22, error="too large")
    add("limit-0", [(1, b"")], limit=0)
    add("limit-0-one-byte", [], frame(1, b"x"), limit=0, left=6, error="too large")
    add("4-gib", [], b"\x04\xff\xff\xff\xff", left=5, error="too large")
    add("2-gib", [], b"\x04\x80\x00\x00\x00rest", left=9, error="too large")
    add("64-kib-announced", [], b"\x04\x00\x01\x00\x00", left=5)
    add("64-kib-and-1-announced", [], b"\x04\x00\x01\x00\x01", left=5, error="too large")
    return {"description": PRODUCED + "Streams split into frames. \"limit\" bounds a payload; \"frames\" come out; \"left\" bytes stay "
            "in the buffer, unfinished or, with \"error\", refused.", "cases": cases}


def malformed_file(keys):
    raw, der, cases = keys[1024].public, keys[2048].public, []

    def add(name, kind, direction, payload, reason, field="", offset=0):
        cases.append({"name": name, "kind": kind, "direction": direction, "payload": payload.hex(), "reason": reason,
                      "field": field, "offset": offset})

    s, c = "to-server", "to-client"
    add("kind-0", 0, s, b"", "unknown kind")
    add("kind-7", 7, c, raw, "unknown kind")
    add("kind-255", 255, s, raw, "unknown kind")
    add("error-to-server", 5, s, b"\x01\x00\x00\x00", "unknown kind")
    add("login-1025", 1, s, b"\x81" * 1025, "range", "key")
    add("login-accepted-not-empty", 1, c, b"\x00", "trailing")
    for kind, name in ((2, "start"), (3, "accept"), (4, "message")):
        for direction in (s, c):
            way = "c2s" if direction == s else "s2c"
            add(f"{name}-{way}-empty", kind, direction, b"", "short", "peer")
            add(f"{name}-{way}-raw-cut", kind, direction, raw[:127], "short", "peer")
            add(f"{name}-{way}-der-cut", kind, direction, der[:-1], "short", "peer")
            add(f"{name}-{way}-der-head-only", kind, direction, der[:21], "short", "peer")
            for size in (4, 20):
                head = b"\x30\x82" + struct.pack(">H", size - 4) + der[4:]
                add(f"{name}-{way}-der-of-{size}", kind, direction, head, "range", "peer")
            add(f"{name}-{way}-der-of-64-kib", kind, direction, b"\x30\x82\xff\xff" + der[4:], "short", "peer")
    add("error-empty", 5, c, b"", "short", "code")
    add("error-code-only", 5, c, b"\x01", "short", "type answered", 1)
    add("error-no-length", 5, c, b"\x01\x00", "short", "peer", 2)
    add("error-half-length", 5, c, b"\x01\x00\x00", "short", "peer", 2)
    add("error-peer-cut", 5, c, b"\x01\x04\x00\x80" + raw[:127], "short", "peer", 4)
    add("error-peer-551", 5, c, b"\x01\x04\x02\x27" + bytes(551), "range", "peer", 4)
    add("error-peer-65535", 5, c, b"\x01\x04\xff\xff", "range", "peer", 4)
    add("error-text-257", 5, c, b"\x01\x04\x00\x00" + b"x" * 257, "range", "text", 4)
    add("challenge-1025", 6, c, bytes(1025), "range", "sealed nonce")
    add("proof-empty", 6, s, b"", "short", "proof")
    add("proof-31", 6, s, bytes(31), "short", "proof")
    add("proof-33", 6, s, bytes(33), "trailing", "", 32)
    return {"description": PRODUCED + "Payloads that are refused, with the field, its first byte and the reason: \"short\" (ends inside the "
            "field), \"range\" (above its bound), \"trailing\" (bytes after the last field), \"unknown kind\".", "cases": cases}


def login_file(keys):
    rnd, cases, values = Random("login"), [], []
    for bits, key in keys.items():
        who = {"secret_key": key.pem(), "key": key.public.hex()}
        nonce = rnd.bytes(32)
        proof = hmac.new(nonce, LOGIN + key.public, hashlib.sha256).hexdigest()
        sealed = key.seal(nonce, LOGIN, rnd)
        cases.append({"name": f"login-{bits}", **who, "nonce": nonce.hex(), "sealed": sealed.hex(), "proof": proof})
        value = rnd.bytes(256)
        box = key.seal(value, SESSION, rnd)
        values.append({"name": f"value-{bits}", **who, "value": value.hex(), "sealed": box.hex()})
        if bits not in (1024, 2048):
            continue
        flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
        for name, bad, why in (
            ("label-of-sessions", key.seal(nonce, SESSION, rnd), "sealed as a session value"),
            ("label-empty", key.seal(nonce, b"", rnd), "sealed with no label"),
            ("nonce-31", key.seal(nonce[:31], LOGIN, rnd), "31 bytes inside"),
            ("nonce-33", key.seal(nonce + b"\x00", LOGIN, rnd), "33 bytes inside"),
            ("nonce-0", key.seal(b"", LOGIN, rnd), "nothing inside"),
            ("flipped", flipped, "one bit changed"),
            ("short", sealed[:-1], "a byte missing"),
            ("long", sealed + b"\x00", "a byte too many"),
            ("two-blocks", sealed + sealed, "a block too many"),
            ("empty", b"", "no block"),
            ("above-modulus", b"\xff" * key.size, "not below the modulus"),
        ):
            cases.append({"name": f"login-{bits}-{name}", **who, "sealed": bad.hex(), "reject": why})
        block = key.size
        for name, bad, why in (
            ("label-of-logins", key.seal(value, LOGIN, rnd), "sealed as a login"),
            ("last-block-first", box[-block:] + box[:-block], "blocks in another order"),
            ("block-missing", box[:-block], "a block missing"),
            ("block-twice", box + box[-block:], "a block too many"),
            ("value-255", key.seal(value[:255], SESSION, rnd), "255 bytes inside"),
            ("cut-otherwise", key.seal(value, SESSION, rnd, room=key.size - 67), "blocks not as large as they can be"),
            ("short", box[:-1], "a byte missing"),
            ("empty", b"", "no block"),
        ):
            values.append({"name": f"value-{bits}-{name}", **who, "sealed": bad.hex(), "reject": why})
    return {"description": PRODUCED + "\"cases\": a login challenge sealed to a key, and the proof that answers it; \"values\": a "
            "Diffie-Hellman public value sealed to a key. With \"reject\" nothing may be opened, for that reason.",
            "cases": cases, "values": values}


def main():
    keys = {bits: Key(bits) for bits in (1024, 2048, 2056, 3072, 4096)}
    for name, make in (("keys", keys_file), ("packets", packets_file), ("frames", frames_file),
                       ("packets_malformed", malformed_file), ("login", login_file)):
        text = json.dumps(make(keys), indent=1, ensure_ascii=False)
        (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
