"""Whom an organisation's provider may sign in, and the settings that say which there are."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from belisha.cli import provider_secrets
from belisha.cli.errors import CommandError
from belisha.host import FILES
from belisha.policy.people import Person
from belisha.policy.providers import Word, decide_way, decide_word, read_word
from belisha.settings import SettingsError, parse
from tests.deploy.hosted import rendered, text

WORD = Word("1", "anna")
ANNA = Person("@anna:x", "harbour", frozenset({"member"}))

HOST = "{organisation: host, name: Host, issuer: 'https://id.host.test', client_id: a, client_secret_file: /x/host}"
HARBOUR = (
    "{organisation: harbour, name: Harbour, issuer: 'https://id.harbour.test:8443/realms/h', client_id: 'b:c',"
    " client_secret_file: /x/harbour, claim: login}"
)


def listed(*providers: str, method: str = "oidc") -> str:
    """A belisha.yaml with these."""
    lines = "".join(f"\n    - {one}" for one in providers)
    return text(("method: password+totp", f"method: {method}"), ("providers: []", f"providers:{lines or ' []'}"))


# --- Decisions ----------------------------------------------------------------------------------------------------


def test_a_provider_signs_in_active_members_of_its_own_organisation_alone() -> None:
    people = [None, Person("@anna:x"), Person("@belisha_steward:x", is_bot=True)]
    people += [
        Person("@anna:x", organisation, frozenset({role}), frozen=frozen)
        for organisation in (None, "harbour", "quay", "harbour2", "")
        for role in ("member", "lead", "steward", "manager", "operator")
        for frozen in (False, True)
    ]
    for person, subject, name, is_other in itertools.product(people, ("1", None), ("anna", None), (False, True)):
        decided = decide_word("harbour", "Harbour", Word(subject, name), person, is_other=is_other)
        may = person is not None and person.organisation == "harbour" and not person.frozen
        assert decided.allowed == (may and subject is not None and not is_other), (person, subject, name, is_other)
        assert decided.allowed or (decided.code and "Please" in decided.reason)


def test_of_members_elsewhere_nothing_is_told() -> None:
    nobody = decide_word("harbour", "Harbour", WORD, None, is_other=False)
    for person in (
        Person("@anna:x", "quay"),
        Person("@anna:x", "quay", frozen=True),
        Person("@anna:x", frozen=True),
        Person("@anna:x", "quay", frozenset({"manager"})),
    ):
        for is_other in (False, True):
            assert decide_word("harbour", "Harbour", WORD, person, is_other=is_other) == nobody


@pytest.mark.parametrize("by_organisation", [True, False])
@pytest.mark.parametrize(
    "provider", [None, "oidc-harbour", "oidc-quay", "oidc-", "oidc", "harbour", "oidc-Harbour", ""]
)
@pytest.mark.parametrize("organisation", [None, "harbour", "quay", ""])
def test_a_session_is_opened_in_one_way_alone(
    organisation: str | None, provider: str | None, *, by_organisation: bool
) -> None:
    decided = decide_way(Person("@anna:x", organisation), provider, by_organisation=by_organisation)
    own = organisation is not None and provider == f"oidc-{organisation}"
    assert decided.allowed == (own if by_organisation else provider is None)


def test_no_provider_signs_in_a_bot() -> None:
    bot = Person("@belisha_steward:x", is_bot=True)
    for by_organisation in (True, False):
        assert decide_way(bot, None, by_organisation=by_organisation).allowed
        assert not decide_way(bot, "oidc-harbour", by_organisation=by_organisation).allowed


@pytest.mark.parametrize(
    "name",
    [
        *(None, 1, True, ["anna"], {"a": "b"}, "", " ", "Anna", "ANNA", "anna ", " anna", "anna\0", "anna\n", "@anna"),
        *(
            "@anna:x",
            "anna@harbour.test",
            "\u0430nna",
            "ann\u00e4",
            "\uff41nna",
            "a" * 65,
            "belisha_steward",
            "../anna",
        ),
    ],
)
def test_what_is_like_a_user_name_is_none(name: object) -> None:
    assert read_word("1", name) == Word("1", None)


@pytest.mark.parametrize("name", ["anna", "anna.keller", "manager", "a-1_b"])
def test_a_user_name_is_taken_as_it_is(name: str) -> None:
    assert read_word("1", name) == Word("1", name)


@pytest.mark.parametrize("subject", [None, 1, ["1"], "", "x" * 256, "\u00e4", "a\0", "a\n"])
def test_what_cannot_be_a_subject_is_none(subject: object) -> None:
    assert read_word(subject, "anna") == Word(None, "anna")
    assert not decide_word("harbour", "Harbour", Word(None, "anna"), ANNA, is_other=False).allowed


# --- Settings -----------------------------------------------------------------------------------------------------


def test_each_provider_has_an_answer_of_its_own_and_nobody_a_password() -> None:
    made = rendered(parse(listed(HOST, HARBOUR)))
    homeserver = yaml.safe_load(made["synapse/homeserver.yaml"].text)
    assert homeserver["password_config"]["enabled"] is False and homeserver["enable_registration"] is False
    host, harbour = homeserver["oidc_providers"]
    assert host["redirect_uri"] == "https://matrix.harbour.test/_synapse/client/oidc/callback/host"
    assert harbour["redirect_uri"] == "https://matrix.harbour.test/_synapse/client/oidc/callback/harbour"
    assert harbour["user_mapping_provider"]["config"] == {
        "organisation": "harbour",
        "name": "Harbour",
        "claim": "login",
    }
    for one in (host, harbour):
        assert one["user_mapping_provider"]["module"] == "synapse_modules.providers.OwnPeople"
        assert (one["pkce_method"], one["enable_registration"], one["skip_verification"]) == ("always", False, False)
    assert homeserver["sso"]["client_whitelist"] == ["https://chat.harbour.test/"]
    assert homeserver["templates"]["custom_template_directory"] == "/etc/belisha/synapse/pages"
    assert {f"synapse/{one}" for one in FILES["synapse"]} <= set(made)
    assert "belisha-synapse tcp dport { 53, 443, 8443 } accept" in made["host/nftables.conf"].text
    for page in ("sso_error", "sso_auth_bad_user"):
        assert "Belisha community" in made[f"synapse/pages/{page}.html"].text
    assert "{% raw %}" not in made["synapse/pages/sso_error.html"].text
    plain = yaml.safe_load(rendered(parse(text()))["synapse/homeserver.yaml"].text)
    assert "oidc_providers" not in plain and plain["enable_registration"] is True
    assert plain["password_config"]["enabled"] is True


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (listed(), "sign_in.providers: the first manager, of host, could never sign in"),
        (listed(HARBOUR), "add one with organisation: host"),
        (listed(HOST, method="password+totp"), "members sign in by password, so no provider would be asked"),
        (listed(HOST, HOST.replace("id.host", "id2")), "a second provider would speak for the people of host"),
        (listed(HOST, HARBOUR.replace(":8443/realms/h", "").replace("id.harbour", "ID.host")), "of two organisations"),
        (listed(HOST.replace("https://id.host.test", "http://id.host.test")), "would let anybody on the way sign in"),
        (listed(HOST.replace("https://id.host.test", "https://id.host.test?x=1")), "is no issuer"),
        (listed(HOST.replace("https://id.host.test", "id.host.test")), "is no issuer"),
        (listed(HOST.replace("organisation: host", "organisation: Host")), "'Host' is no id"),
        (listed(HOST.replace("client_secret_file: /x/host", "client_secret_file: ''")), "is no path of a file"),
        (listed(HOST.replace(", client_id: a", "")), "client_id: this key is missing"),
        (listed(HOST.replace("client_id: a", "client_id: ''")), "is no client id"),
        (listed(HOST.replace("client_id: a", "client_idd: a")), "write client_id if that is meant"),
        (listed(HOST.replace("name: Host", "name: 'TLP:RED'")), "a name carries no TLP label"),
        (listed(HARBOUR.replace("claim: login", "claim: 'a b'"), HOST), "is no claim's name"),
    ],
)
def test_what_is_wrong_stops_the_start(written: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(written)
    assert said in str(caught.value)


def test_a_provider_on_this_machine_needs_no_tls() -> None:
    settings = parse(listed(HOST.replace("https://id.host.test", "http://localhost:8080")))
    made = rendered(settings)
    assert yaml.safe_load(made["synapse/homeserver.yaml"].text)["oidc_providers"][0]["skip_verification"] is True


def test_a_secret_that_is_missing_or_known_to_others_stops_the_start(tmp_path: Path) -> None:
    settings = parse(listed(HOST.replace("/x/host", "secrets/host-provider")))
    path = tmp_path / "secrets" / "host-provider"
    path.parent.mkdir()
    with pytest.raises(CommandError, match=r"cannot be read \(No such file.*administrator gave you into that file"):
        provider_secrets.check(settings, tmp_path)
    for written, said in (("", "is empty"), ("a\nb\n", "more than one line")):
        path.write_text(written)
        path.chmod(0o600)
        with pytest.raises(CommandError, match=said):
            provider_secrets.check(settings, tmp_path)
    path.write_text("a secret\n")
    path.chmod(0o640)
    with pytest.raises(CommandError, match=r"can be read by others.*chmod 600"):
        provider_secrets.check(settings, tmp_path)
    path.chmod(0o600)
    provider_secrets.check(settings, tmp_path)
