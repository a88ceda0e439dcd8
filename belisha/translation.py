"""Words in the community's language: English stands in the code, other languages in catalogues (gettext).

`marked` marks a text where it is declared, `_` gives it in the language of this process. Catalogues are looked for in
`bots/locale/LANGUAGE/LC_MESSAGES/belisha.mo`; `make messages` writes what translators begin with.
"""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import Final

DOMAIN: Final = "belisha"

_language: gettext.NullTranslations = gettext.NullTranslations()


class UnknownLanguage(ValueError):
    """There is no catalogue of that language."""


def speak(language: str, folder: Path) -> None:
    """Has this process speak a language from now on.

    Args:
        language: such as `en` or `de`; everything that begins with `en` is what stands in the code.
        folder: where the catalogues are.

    Raises:
        UnknownLanguage: there is no catalogue of it.
    """
    global _language
    if language.partition("-")[0] == "en":
        _language = gettext.NullTranslations()
        return
    try:
        _language = gettext.translation(DOMAIN, folder, [language.replace("-", "_")])
    except OSError as error:
        raise UnknownLanguage(f"There is no catalogue for the language “{language}” in {folder}.") from error


def marked(text: str) -> str:
    """The text itself: it is translated where it is shown."""
    return text


def _(text: str) -> str:
    """A text in the language of this process."""
    return _language.gettext(text)


def many(one: str, several: str, count: int) -> str:
    """The form of a text for a count, which stands in it as `{count}`."""
    return _language.ngettext(one, several, count).format(count=count)
