"""What Prometheus reads: whom to ask, what to compute beforehand, and when to raise the alarm.

Whom to ask is rendered; the rules are the same for every community, and are copied beside it.
"""

from typing import Final

from belisha.resources import shipped

CONFIG: Final = "prometheus/prometheus.yaml"
RULES: Final = ("prometheus/recording.yaml", "prometheus/alerts.yaml")


def rules() -> dict[str, str]:
    """The text of the rules, by their paths."""
    return {path: shipped("config", *path.split("/")).read_text(encoding="utf-8") for path in RULES}
