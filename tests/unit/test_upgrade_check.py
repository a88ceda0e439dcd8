"""What a trial of an upgrade would say is wrong: packages that are not its own, and rows that are gone."""

from __future__ import annotations

from importlib import metadata

import pytest

from belisha.cli.upgrade import missing, wrong_packages


def test_the_packages_of_this_checkout_are_its_own() -> None:
    assert wrong_packages() == []


def test_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "mautrix":
            raise metadata.PackageNotFoundError(name)
        return "1.0" if name == "matrix-synapse" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    assert sorted(wrong_packages()) == [
        "matrix-synapse is 1.0, and has to be ==1.163.2",
        "mautrix is not installed",
    ]


def test_rows_that_are_gone_are_told_and_others_may_come_and_go() -> None:
    before = {"homeserver.db": {"events": 5, "belisha_item": 3, "device_inbox": 9}, "bots.db": {"poll": 4, "old": 1}}
    after = {"homeserver.db": {"events": 6, "belisha_item": 1, "device_inbox": 0}, "bots.db": {"poll": 3, "new": 0}}
    assert list(missing(before, after)) == ["2 of 3 labels", "1 of 4 rows of the bots' poll"]
    assert list(missing(before, before)) == []
