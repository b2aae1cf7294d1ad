"""What a hazard does: damage by curve, people, events, annual expectation, needs."""
