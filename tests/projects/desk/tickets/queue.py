"""Which ticket comes first."""


def first(tickets):
    if not tickets:
        return None
    return min(tickets, key=lambda ticket: (ticket["urgency"], ticket["number"]))
