"""The house that notices trouble: it polls, reads, judges and records. It holds no word of Slack."""
