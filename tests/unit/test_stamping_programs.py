"""PDF files of programs that the long tests have: stamped like all others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.documents import FORMATS
from tests.support.producers import drawn, run
from tests.unit.test_stamping_pdf import assert_stamped

#: `make test` has documents of our own making in `test_stamping_pdf.py`, and other formats beside it.
pytestmark = [pytest.mark.full, pytest.mark.nightly]


KINDS = ("docx", "odt", "xlsx", "ods", "pptx", "odp")


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What LibreOffice writes: texts, tables and slides, whose pages lie or stand."""
    folder = tmp_path_factory.mktemp("offices")
    for kind in KINDS:
        (folder / f"{kind}.{kind}").write_bytes(next(iter(FORMATS[kind]("Report of the quay").values())))
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", folder]
    files = [folder / f"{kind}.{kind}" for kind in KINDS]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=600)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_libreoffice(kind: str, offices: Path, tmp_path: Path) -> None:
    assert_stamped((offices / f"{kind}.pdf").read_bytes(), tmp_path)


def test_chromium(tmp_path: Path) -> None:
    page, made = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text("<h1>Tides</h1>" + "<p>The water returns at nine.</p>" * 90)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command = ["chromium", *options, f"--print-to-pdf={made}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert_stamped(made.read_bytes(), tmp_path)


def test_ghostscript(tmp_path: Path) -> None:
    assert_stamped(run("gs", "-q", "-sDEVICE=pdfwrite", "-o", "{out}", "{in}", folder=tmp_path), tmp_path)


def test_ghostscript_for_archives(tmp_path: Path) -> None:
    command = ("gs", "-q", "-dPDFA=2", "-sColorConversionStrategy=RGB", "-sDEVICE=pdfwrite", "-o", "{out}", "{in}")
    assert_stamped(run(*command, data=drawn(pages=3), folder=tmp_path), tmp_path)
