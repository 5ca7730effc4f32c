"""The lesson's notebooks, so that they ship in the wheel."""
