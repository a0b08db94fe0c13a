"""What people read, where a closed set chooses it or several places say it: screens, CSV, command line, alerts.

A sentence that only one rule says (why a verb is refused, what a row knows beyond its headline) stands beside the rule.
"""
