"""The second factor: which digits are taken, how often, how many wrong ones, and who has to have one (M2)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from belisha.cli.demo.command import tell
from belisha.cli.demo.story import Story
from belisha.cli.errors import CommandError
from belisha.cli.progress import Plain
from belisha.host import HostError
from belisha.policy import factor
from belisha.policy.factor import (
    MOST_WRONG,
    Factor,
    decide_code,
    decide_spare,
    is_spare,
    may_without,
    new_spare_code,
    split,
    step_of,
)
from belisha.render import Place, render
from belisha.settings import SettingsError, parse
from tests.deploy.hosted import EXAMPLE, SECRETS, rendered, settings, text

#: RFC 6238, appendix B, for SHA-1: the last six of its eight digits.
RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOW = 1_800_000_015


def code(step: int, secret: str = RFC) -> str:
    return str(pyotp.TOTP(secret).generate_otp(step))


@pytest.mark.parametrize(
    ("at", "digits"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(at: int, digits: str) -> None:
    assert step_of(RFC, digits, at) == at // 30


@pytest.mark.parametrize(("away", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_from_a_clock_half_a_minute_away(away: int, is_taken: bool) -> None:
    step = NOW // 30 + away
    assert step_of(RFC, code(step), NOW) == (step if is_taken else None)


def test_a_code_is_taken_once_and_none_from_before_it() -> None:
    present = NOW // 30
    taken, after = decide_code(Factor(RFC), code(present), NOW)
    assert taken and after.last_step == present
    for used in (present, present - 1):
        assert decide_code(after, code(used), NOW) == (False, after), "and it does not count as wrong"
    assert decide_code(after, code(present + 1), NOW)[0]
    # A clock that went back: what is used stays used.
    assert decide_code(after, code(present), NOW - 3600)[0] is False


def test_wrong_codes_end_it_for_a_day_and_a_right_one_begins_anew() -> None:
    one, right = Factor(RFC), code(NOW // 30)
    wrong = next(f"{n:06}" for n in range(9) if step_of(RFC, f"{n:06}", NOW) is None)
    for count in range(1, factor.MOST_WRONG):
        taken, one = decide_code(one, wrong, NOW)
        assert not taken and one.wrong == count
    assert decide_code(one, right, NOW)[1].wrong == 0, "the tenth is not yet wrong"
    _, one = decide_code(one, wrong, NOW + 600)
    for later in (0, factor.WRONG_S - 1, 1 - factor.WRONG_S):
        assert decide_code(one, code((NOW + later) // 30), NOW + later) == (False, one)
    later = NOW + factor.WRONG_S
    taken, after = decide_code(one, code(later // 30), later)
    assert taken and after.wrong == 0, "counted from the first"
    taken, after = decide_code(one, wrong if step_of(RFC, wrong, later) is None else "", later)
    assert (taken, after.wrong, after.wrong_since) == (False, 1, later)


@pytest.mark.parametrize(
    "typed",
    ["", "123456", "12345", "secret", "secret12345", "secret 12345", "secret１２３４５６", "secret١٢٣٤٥٦",
     "secret12345\n", "secret+12345", "secret-12345", "secret123 456", "secret123456 "],
)  # fmt: skip
def test_what_ends_in_no_code_has_none(typed: str) -> None:
    assert split(typed) is None


@given(st.text(min_size=1), st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_the_code_is_the_last_six_digits_whatever_the_password_is(password: str, digits: str) -> None:
    assert split(password + digits) == (password, digits)


def test_new_keys_differ_and_are_read_by_apps() -> None:
    secrets = {factor.new_secret() for _ in range(50)}
    assert len(secrets) == 50 and all(map(factor.is_secret, secrets))
    secret = secrets.pop()
    assert factor.spelled(secret).replace(" ", "") == secret
    address = urlsplit(factor.uri(secret, "harbour.test", "The Harbour & Co"))
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert parse_qs(address.query) == {"secret": [secret], "issuer": ["The Harbour & Co"]}
    for other in ("", secret.lower(), secret[:-1], secret + "A", secret[:-1] + "1", secret[:-1] + "\n"):
        assert not factor.is_secret(other)


def test_without_a_factor_nobody_is_let_in_after_the_term() -> None:
    assert may_without(NOW, NOW + 1)
    assert not may_without(NOW, NOW)
    assert not may_without(NOW, None)


# --- Settings -----------------------------------------------------------------------------------------------------

TOTP = ("method: password\n", "method: password+totp\n")
SENTENCE = "risk_accepted: The board accepts it until March, since nobody has a phone."


def homeserver(*changes: tuple[str, str]) -> dict[str, object]:
    changed = EXAMPLE
    for before, after in changes:
        assert before in changed
        changed = changed.replace(before, after)
    made = render(parse(changed), Place(Path("/data"), 8008, 8010, 8011), SECRETS)
    assert yaml.safe_load(made["bots.yaml"])["portal"]["second_factor"] is (TOTP in changes)
    found: dict[str, object] = yaml.safe_load(made["homeserver.yaml"])
    return found


def test_with_a_second_factor_synapse_itself_takes_no_password() -> None:
    plain, both = homeserver(), homeserver(TOTP, ("enrol_until: null", "enrol_until: 2027-03-31"))
    assert plain["password_config"]["localdb_enabled"] is True  # type: ignore[index]
    assert both["password_config"]["localdb_enabled"] is False  # type: ignore[index]
    told = both["modules"][0]["config"]["sign_in"]  # type: ignore[index]
    # The last moment of that day in London, which has summer time by then.
    expected = {"second_factor": True, "by_organisation": False, "enrol_until": 1806534000}
    assert told == {**expected, "key_file": "/data/secrets/factor"}


def test_a_server_does_not_start_with_passwords_alone_unless_somebody_answers_for_it() -> None:
    alone = text().replace("method: password+totp", "method: password")
    with pytest.raises(HostError, match=r"password\+totp, or in sign_in.risk_accepted who accepts that"):
        rendered(parse(alone))
    rendered(parse(alone.replace("risk_accepted: null", SENTENCE)))
    assert settings().sign_in.method == "password+totp", "what the other tests of a server have"


async def test_the_sample_community_says_that_it_has_none(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"sign in by their passwords alone.*Write sign_in.method: password"):
        await tell(Story(name="Harbour", organisations=(), accounts=(), rooms=()), tmp_path, "", settings(), Plain())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((("enrol_until: null", "enrol_until: 2027-03-31"),), "there is no second factor"),
        ((TOTP, ("risk_accepted: null", SENTENCE)), "there are no passwords alone"),
        ((TOTP, ("enrol_until: null", "enrol_until: in spring")), "'in spring' is no day"),
        ((TOTP, ("enrol_until: null", "enrol_until: 2027-02-30")), "line "),
        ((("risk_accepted: null", "risk_accepted: yes, fine"),), "is no sentence"),
        ((("method: password\n", "method: passkey\n"),), "is not one of the choices"),
    ],
)
def test_mistakes_are_refused_with_the_remedy(changes: tuple[tuple[str, str], ...], said: str) -> None:
    changed = EXAMPLE
    for before, after in changes:
        changed = changed.replace(before, after)
    with pytest.raises(SettingsError, match=said):
        parse(changed)


def test_a_recovery_code_stands_behind_the_password_and_is_told_from_digits() -> None:
    code = new_spare_code()
    assert is_spare(code) and split(f"word{code}") == split(f"word{code.lower()}") == ("word", code)
    assert split(f"word{code}123456") == (f"word{code}", "123456"), "digits come first"
    for typed in (code, "wordABCD2345EFGH", f"word{code} ", f"word{code[:-1]}"):
        assert split(typed) is None
    factor = Factor("A" * 32, last_step=7, wrong=MOST_WRONG - 1, wrong_since=0)
    assert decide_spare(factor, 1.0, is_one=True) == (True, factor._replace(wrong=0))
    is_taken, after = decide_spare(factor, 1.0, is_one=False)
    assert not is_taken and after.wrong == MOST_WRONG
    assert decide_spare(after, 1.0, is_one=True) == (False, after), "nor is a right one then"
    assert decide_spare(after, 2.0 * 24 * 3600, is_one=True)[0]
