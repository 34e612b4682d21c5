"""An address is taken apart once, and what is none is refused with a way to write it."""

from __future__ import annotations

import pytest

from sagellm_benchmark.address import Address
from sagellm_benchmark.errors import UsageError


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://host:8000", "http://host:8000"),
        ("http://host:8000/", "http://host:8000"),
        ("http://host:8000/v1", "http://host:8000"),
        ("http://host:8000/v1/", "http://host:8000"),
        ("  https://Host/llm/v1/ ", "https://host/llm"),
        ("http://host/llm/", "http://host/llm"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("HTTP://host", "http://host"),
        ("http://host/v1beta", "http://host/v1beta"),
    ],
)
def test_an_address_is_what_comes_before_v1(given: str, meant: str) -> None:
    assert Address.parse(given).url == meant


@pytest.mark.parametrize("given", ["host:8000", "localhost", "//host:8000", "", "127.0.0.1:80"])
def test_an_address_without_a_scheme_is_refused_with_a_way_to_write_it(given: str) -> None:
    with pytest.raises(UsageError, match="scheme") as caught:
        Address.parse(given)
    assert "http://" in str(caught.value.hint)


@pytest.mark.parametrize(
    "given",
    [
        "http://",
        "http://host:99999",
        "http://host:x",
        "http://[::1",
        "http://h/?a=b",
        "http://h/#x",
        "http://a b/",
        "http://host/a\r\nHost: other",
        "http://höst",
    ],
)
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        Address.parse(given)


@pytest.mark.parametrize("given", ["http://me:hunter2@host", "http://hunter2@host:99999"])
def test_an_address_with_a_password_is_refused_without_showing_it(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.parse(given)
    assert "hunter2" not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://localhost:8000", Address("localhost", 8000, False, "", "localhost:8000")),
        ("https://api.example.com", Address("api.example.com", 443, True, "", "api.example.com")),
        ("http://host/prefix/x/", Address("host", 80, False, "/prefix/x", "host")),
        ("http://[::1]:9", Address("::1", 9, False, "", "[::1]:9")),
    ],
)
def test_a_base_url_is_taken_apart(base_url: str, expected: Address) -> None:
    assert Address.parse(base_url) == expected


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("https://host", "host:443"),
        ("http://[::1]:9", "[::1]:9"),
        ("http://[::1]", "[::1]:80"),
    ],
)
def test_an_endpoint_is_shown_with_its_port(base_url: str, shown: str) -> None:
    assert str(Address.parse(base_url)) == shown


def test_a_scheme_that_no_server_speaks_is_named() -> None:
    with pytest.raises(UsageError, match="the scheme ftp") as caught:
        Address.parse("ftp://host")
    assert "ftp" not in str(caught.value.hint)
