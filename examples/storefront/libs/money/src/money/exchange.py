"""Exchange rates: given ones, and those that follow from them."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Deque, Dict, Iterable, Optional, Tuple, Union

from money.amount import Money, Number, _decimal
from money.currency import Currency, currency

Code = Union[str, Currency]


class MissingRate(LookupError):
    """No rate leads from one currency to the other."""

    def __init__(self, source: Currency, target: Currency) -> None:
        super().__init__(f"no rate leads from {source} to {target}")
        self.source = source
        self.target = target


class RateTable:
    """Rates between currencies. A rate that is not given is found by way of as few others as possible."""

    def __init__(self, rates: Iterable[Tuple[Code, Code, Number]] = ()) -> None:
        self._rates: Dict[str, Dict[str, Decimal]] = {}
        for source, target, rate in rates:
            self.add(source, target, rate)

    def add(self, source: Code, target: Code, rate: Number) -> None:
        """One unit of ``source`` is worth ``rate`` units of ``target``; the way back is known with it."""
        first, second, value = currency(source), currency(target), _decimal(rate)
        if value <= 0:
            raise ValueError(f"a rate is positive, not {value}")
        if first == second:
            raise ValueError(f"{first} is worth itself")
        self._rates.setdefault(first.code, {})[second.code] = value
        self._rates.setdefault(second.code, {})[first.code] = 1 / value

    def rate(self, source: Code, target: Code) -> Decimal:
        """What one unit of ``source`` is worth in ``target``."""
        first, second = currency(source), currency(target)
        found = self._find(first.code, second.code)
        if found is None:
            raise MissingRate(first, second)
        return found

    def exchange(self, money: Money, target: Code) -> Money:
        """The same worth in another currency, with every digit: round it when it is paid."""
        return Money(money.amount * self.rate(money.currency, target), target)

    def _find(self, source: str, target: str) -> Optional[Decimal]:
        seen = {source}
        queue: Deque[Tuple[str, Decimal]] = deque([(source, Decimal(1))])
        while queue:
            code, worth = queue.popleft()
            if code == target:
                return worth
            for following, rate in sorted(self._rates.get(code, {}).items()):
                if following not in seen:
                    seen.add(following)
                    queue.append((following, worth * rate))
        return None
