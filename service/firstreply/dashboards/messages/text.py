"""A text in every language, and the texts of a panel."""

from dataclasses import dataclass

from firstreply.words import Language


@dataclass(frozen=True, slots=True)
class Text:
    """What is shown, in each language."""

    en: str
    fr: str

    def spoken(self, language: Language) -> str:
        """Return it in one language."""
        match language:
            case Language.EN:
                return self.en
            case Language.FR:
                return self.fr


@dataclass(frozen=True, slots=True)
class PanelText:
    """The texts of a panel, in each language."""

    title: Text
    description: Text
    """What is measured, in which unit, and what is good."""
    empty: Text
    """What stands there when there is nothing to show, and why that may be."""
