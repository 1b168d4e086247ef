"""What was tried, what held, and what failed."""


class Tally:
    """Counts by what was tried; of failures, the first few in words."""

    def __init__(self):
        self.rows = {}

    def note(self, what, wrong=""):
        """Count one more attempt, and say what went wrong if anything did."""
        row = self.rows.setdefault(what, {"tried": 0, "failures": []})
        row["tried"] += 1
        if wrong:
            row["failures"].append(str(wrong)[:400])

    @property
    def failures(self):
        return {what: row["failures"][:5] for what, row in self.rows.items() if row["failures"]}

    def __str__(self):
        lines = [f"| {'what':58} | tried | held | failed |", f"|{'-' * 60}|------:|-----:|-------:|"]
        for what, row in self.rows.items():
            failed = len(row["failures"])
            lines.append(f"| {what:58} | {row['tried']:5} | {row['tried'] - failed:4} | {failed:6} |")
        return "\n".join(lines)
