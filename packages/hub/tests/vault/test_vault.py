import base64
import secrets
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.errors import InvalidInput, SealBroken, Unavailable, VaultKeyMissing
from bunkhouse.vault import Vault, add_key, given_keys, kept_keys

KEYS = given_keys(",".join(base64.b64encode(bytes([n] * 32)).decode() for n in range(2)))
PLACE = "grants/g_1/access_token"


@given(st.text())
def test_what_is_sealed_opens_at_its_place(secret: str) -> None:
    vault = Vault(KEYS)
    sealed = vault.seal(secret, PLACE)
    assert sealed != vault.seal(secret, PLACE)
    assert Vault(KEYS[:1]).open(sealed, PLACE) == secret


@pytest.mark.parametrize("place", ["grants/g_2/access_token", "grants/g_1/refresh_token", ""])
def test_it_opens_at_no_other_place(place: str) -> None:
    vault = Vault(KEYS)
    with pytest.raises(SealBroken) as caught:
        vault.open(vault.seal("ghp_secret", PLACE), place)
    assert "ghp_secret" not in str(caught.value)
    assert caught.value.remedy


@given(st.data())
def test_no_byte_of_it_can_be_changed(data: st.DataObject) -> None:
    vault = Vault(KEYS)
    sealed = vault.seal("ghp_secret", PLACE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters().filter(lambda character: character != sealed[at]))
    with pytest.raises(Unavailable):
        vault.open(sealed[:at] + other + sealed[at + 1 :], PLACE)


@given(st.text())
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(Unavailable):
        Vault(KEYS).open(text, PLACE)


def test_an_older_key_opens_and_the_first_one_seals() -> None:
    old = Vault(KEYS[1:]).seal("ghp_secret", PLACE)
    vault = Vault(KEYS)
    assert vault.open(old, PLACE) == "ghp_secret"
    assert not vault.is_current(old)
    assert vault.is_current(vault.seal("ghp_secret", PLACE))


def test_without_its_key_it_says_which_one_is_missing() -> None:
    sealed = Vault(KEYS[1:]).seal("ghp_secret", PLACE)
    with pytest.raises(VaultKeyMissing, match=KEYS[1].id) as caught:
        Vault(KEYS[:1]).open(sealed, PLACE)
    assert "sign in again" in (caught.value.remedy or "")


def test_a_file_of_keys_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    made = kept_keys(path)
    assert kept_keys(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["vault.key"]
    assert made[0].secret.hex() not in repr(made)


def test_a_new_key_goes_first_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    [first] = kept_keys(path)
    added = add_key(path)
    assert kept_keys(path) == [added, first]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", " \n", "not base64!", base64.b64encode(b"short").decode()])
def test_what_is_no_key_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vault.key"
    path.write_text(text)
    for read in (lambda: kept_keys(path), lambda: given_keys(text)):
        with pytest.raises(InvalidInput) as caught:
            read()
        assert caught.value.reason == "vault_key_not_valid"


def test_a_key_may_be_written_in_either_alphabet() -> None:
    secret = bytes([0xFB, 0xFF]) + secrets.token_bytes(30)
    plain = base64.b64encode(secret).decode()
    urlsafe = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    assert given_keys(f"{plain},{urlsafe}")[0] == given_keys(urlsafe)[0]


def test_a_file_that_can_t_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "vault.key").mkdir()
    with pytest.raises(Unavailable, match=r"vault\.key"):
        kept_keys(tmp_path / "vault.key")
