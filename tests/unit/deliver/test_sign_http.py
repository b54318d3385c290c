"""RFC 9421 and RFC 9530: their own test vectors, and what a receiver refuses."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from forwarder.deliver.sign.components import Uncovered, component, signature_base
from forwarder.deliver.sign.content_digest import content_digest, matches
from forwarder.deliver.sign.http_signature import HttpSignature
from forwarder.deliver.sign.keys import read_key
from forwarder.deliver.sign.message import Message
from forwarder.deliver.sign.scheme import Algorithm, KeyForm, KeyUnusable
from forwarder.deliver.sign.structured import Bare, InnerList, Malformed, dictionary, parse_dictionary
from forwarder.deliver.sign.verify import Reason, Rejected, Verified, check

SHARED = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
ED25519 = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
EXAMPLE = Message(
    "", "", b'{"hello": "world"}', "", "POST", "https://example.com/foo?param=Value&Pet=dog",
    {
        "host": "example.com",
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type": "application/json",
        "content-digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        "content-length": "18",
    },
)  # fmt: skip
"""`test-request` of RFC 9421, appendix B.2."""
CREATED = 1618884473
B25 = (
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
)
B26 = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"',
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
)
UNCOVERED = HttpSignature(components=("date",))
BY_VECTOR = pytest.mark.parametrize(
    ("vector", "key", "form"), [(B25, SHARED, KeyForm.BASE64), (B26, ED25519, KeyForm.PLAIN)], ids=["B.2.5", "B.2.6"]
)


@BY_VECTOR
def test_the_vectors_of_the_rfc_come_out_byte_for_byte(vector: tuple[str, str], key: str, form: KeyForm) -> None:
    [(label, covered)] = parse_dictionary(vector[0]).items()
    assert isinstance(covered, InnerList)
    assert dictionary({label: covered}) == vector[0]
    made = read_key(key, UNCOVERED.algorithms, form).sign([signature_base(EXAMPLE, covered)])
    assert dictionary({label: made}) == vector[1]


@BY_VECTOR
def test_the_vectors_of_the_rfc_are_verified(vector: tuple[str, str], key: str, form: KeyForm) -> None:
    headers = {**EXAMPLE.headers, "signature-input": vector[0], "signature": vector[1]}
    keys = [read_key(key, UNCOVERED.algorithms, form)]
    message = replace(EXAMPLE, headers=headers)
    assert check(UNCOVERED, keys, message, CREATED, 300.0) == Verified(0)
    assert check(UNCOVERED, keys, message, CREATED + 301, 300.0) == Rejected(Reason.SKEW)
    other = replace(message, headers=headers | {"date": "Tue, 20 Apr 2021 02:07:56 GMT"})
    assert check(UNCOVERED, keys, other, CREATED, 300.0) == Rejected(Reason.MISMATCH)
    changed = replace(message, body=b'{"hello": "World"}')
    assert check(UNCOVERED, keys, changed, CREATED, 300.0) == Rejected(Reason.MISMATCH)


def test_the_signature_base_of_the_rfc() -> None:
    """RFC 9421, appendix B.2.6."""
    covered = parse_dictionary(B26[0])["sig-b26"]
    assert isinstance(covered, InnerList)
    assert signature_base(EXAMPLE, covered).decode().splitlines() == [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"',
    ]


@pytest.mark.parametrize(
    ("url", "name", "value"),
    [
        ("https://www.example.com/path?param=value", "@target-uri", "https://www.example.com/path?param=value"),
        ("https://WWW.Example.com:443/", "@authority", "www.example.com"),
        ("https://example.com:8443/", "@authority", "example.com:8443"),
        ("http://[2001:DB8::1]:80/", "@authority", "[2001:db8::1]"),
        ("https://anna:pw@example.com/x#frag", "@target-uri", "https://example.com/x"),
        ("https://example.com", "@path", "/"),
        ("https://example.com/a%20b?q=%41", "@request-target", "/a%20b?q=A"),
        ("https://example.com/", "@query", "?"),
        ("https://example.com/p?q=1", "@query", "?q=1"),
        ("http://example.com/", "@scheme", "http"),
    ],
)
def test_derived_components(url: str, name: str, value: str) -> None:
    """RFC 9421, section 2.2. The URL is taken as the client sends it, which writes no escape that is not needed."""
    assert component(Message("", "", b"", url=url), name) == value


@pytest.mark.parametrize("name", ["@status", "x-absent"])
def test_a_component_that_is_not_there_cannot_be_covered(name: str) -> None:
    with pytest.raises(Uncovered):
        component(EXAMPLE, name)
    with pytest.raises(KeyUnusable, match=r"signature\.components"):
        HttpSignature(components=(name,)).headers([("k", read_key("k", (Algorithm.HMAC_SHA256,)))], EXAMPLE, 0.0)


def test_without_the_url_what_it_is_for_cannot_be_checked() -> None:
    scheme = HttpSignature()
    key = read_key("k", scheme.algorithms)
    headers = {name.lower(): value for name, value in scheme.headers([("k", key)], with_id(EXAMPLE), CREATED)}
    message = replace(with_id(EXAMPLE), url="", headers=with_id(EXAMPLE).headers | headers)
    found = check(scheme, [key], message, CREATED, 300.0)
    assert found == Rejected(Reason.NO_HEADER)
    assert isinstance(found, Rejected) and "the URL that the request was sent to is missing" in found.detail


def test_a_digest_of_the_rfc() -> None:
    """RFC 9530, appendix D: the same JSON, by SHA-512 and SHA-256."""
    body = b'{"hello": "world"}\n'
    header = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert content_digest(body) == header
    assert matches(header, body) and not matches(header, body[:-1])
    assert matches(EXAMPLE.headers["content-digest"], EXAMPLE.body)


@pytest.mark.parametrize("header", ["md5=:AAAA:", "", "sha-256=abc", "sha-256=:AAAA"])
def test_a_digest_of_no_known_kind_is_malformed(header: str) -> None:
    with pytest.raises(Malformed):
        matches(header, b"")


def p256() -> tuple[str, str]:
    secret = ec.generate_private_key(ec.SECP256R1())
    private = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


def test_an_ecdsa_key_signs_with_r_and_s_and_its_public_half_verifies() -> None:
    scheme = HttpSignature()
    private, public = (read_key(text, scheme.algorithms) for text in p256())
    headers = {name.lower(): value for name, value in scheme.headers([("p", private)], with_id(EXAMPLE), CREATED)}
    [signature] = parse_dictionary(headers["signature"]).values()
    assert isinstance(signature, bytes) and len(signature) == 64
    message = replace(with_id(EXAMPLE), headers=with_id(EXAMPLE).headers | headers)
    assert check(scheme, [public], message, CREATED, 300.0) == Verified(0)
    assert check(scheme, [public], replace(message, method="PUT"), CREATED, 300.0) == Rejected(Reason.MISMATCH)


def with_id(message: Message) -> Message:
    return replace(message, headers={**message.headers, "forwarder-batch-id": "fb_x"})


def test_a_signature_that_does_not_cover_the_body_is_refused_where_the_scheme_covers_it() -> None:
    headers = {**EXAMPLE.headers, "signature-input": B26[0], "signature": B26[1]}
    message = replace(EXAMPLE, headers=headers)
    found = check(HttpSignature(), [read_key(ED25519, HttpSignature().algorithms)], message, CREATED, 300.0)
    assert found == Rejected(Reason.MALFORMED)


def test_a_key_of_another_kind_than_alg_says_is_not_even_tried() -> None:
    key = read_key("k", UNCOVERED.algorithms)
    for told, result in (("ed25519", Rejected(Reason.MISMATCH)), ("hmac-sha256", Verified(0))):
        covered = InnerList((("date", {}),), {"created": CREATED, "alg": told})
        signature = key.sign([signature_base(EXAMPLE, covered)])
        headers = {"signature-input": dictionary({"s": covered}), "signature": dictionary({"s": signature})}
        message = replace(EXAMPLE, headers={**EXAMPLE.headers, **headers})
        assert check(UNCOVERED, [key], message, CREATED, 300.0) == result


def test_nonces_differ_with_every_attempt() -> None:
    scheme = HttpSignature(nonce=True)
    key = read_key("k", scheme.algorithms)
    made = {
        dict(scheme.headers([("k", key)], with_id(EXAMPLE), CREATED + n / 1000))["Signature-Input"] for n in range(5)
    }
    assert len(made) == 5


BARES = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.booleans(),
    st.binary(max_size=20),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
NAMES = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
PARAMETERS = st.dictionaries(NAMES, BARES, max_size=3)
LISTS = st.builds(
    InnerList,
    st.lists(st.tuples(st.text(st.characters(min_codepoint=32, max_codepoint=126)), PARAMETERS), max_size=4).map(tuple),
    PARAMETERS,
)


@given(st.dictionaries(NAMES, st.one_of(LISTS, BARES), max_size=4))
def test_what_was_written_is_read_back(members: dict[str, InnerList | Bare]) -> None:
    assert parse_dictionary(dictionary(members)) == members


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(Malformed):
        parse_dictionary(text)


@pytest.mark.parametrize("text", ["a=1,", "a=(", "a=:é:", "A=1", "a=1 b=2", 'a="x', "a=:QUE:"])
def test_what_is_not_written_as_the_rfc_has_it_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_dictionary(text)


def test_a_byte_sequence_has_one_writing_only() -> None:
    assert parse_dictionary("a=:QQ==:") == {"a": b"A"}
    with pytest.raises(Malformed, match="canonical"):
        parse_dictionary("a=:QR==:")
    assert base64.b64decode("QR==") == b"A", "the two writings stand for the same byte"
